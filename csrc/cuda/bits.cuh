// Selections of bytes and bits of words, in one instruction each.
#pragma once

#include <cstdint>

namespace gpuaug {

// Four bytes of two words, chosen by the lower four nibbles of `picks`: the number of a byte, plus 8 for eight copies
// of its sign bit. CUDA's __byte_perm has no sign mode, and clears its bits first.
__device__ inline uint32_t picked(uint32_t low, uint32_t high, uint32_t picks) {
#ifdef __CUDACC__  // not __CUDA_ARCH__: nvcc's pass for the host does not know the shim's prmt either
  uint32_t bytes;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(bytes) : "r"(low), "r"(high), "r"(picks));
  return bytes;
#else
  return prmt(low, high, picks);
#endif
}

// The bits that are set in at least two of three words.
__device__ inline uint32_t two_of_three(uint32_t a, uint32_t b, uint32_t c) { return (a & b) | ((a | b) & c); }

// The bits of `ones` where `mask` has ones; elsewhere those of `zeros`.
__device__ inline uint32_t selected(uint32_t mask, uint32_t ones, uint32_t zeros) {
  return (mask & ones) | (~mask & zeros);
}

}  // namespace gpuaug
