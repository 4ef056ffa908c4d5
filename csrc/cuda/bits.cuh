// Bytes and bits of words, chosen in one instruction each.
#pragma once

#include <cstdint>

namespace gpuaug {

// Four bytes of two words, by the lower four nibbles of `picks`: a byte's number, and 8 more for eight times its sign.
// CUDA's __byte_perm has no signs, and first clears their bits.
__device__ inline uint32_t picked(uint32_t low, uint32_t high, uint32_t picks) {
#ifdef __CUDACC__  // not __CUDA_ARCH__: the shim's prmt is unknown to nvcc's pass for the host as well
  uint32_t bytes;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(bytes) : "r"(low), "r"(high), "r"(picks));
  return bytes;
#else
  return prmt(low, high, picks);
#endif
}

// The bits that two of three words have.
__device__ inline uint32_t two_of_three(uint32_t a, uint32_t b, uint32_t c) { return (a & b) | ((a | b) & c); }

// The bits of `ones` where `mask` has ones, else those of `zeros`.
__device__ inline uint32_t selected(uint32_t mask, uint32_t ones, uint32_t zeros) {
  return (mask & ones) | (~mask & zeros);
}

}  // namespace gpuaug
