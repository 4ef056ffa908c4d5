// Bits and bytes of words, in one instruction each: what CUDA has no function for.
#pragma once

#include <cstdint>

namespace gpuaug {

// Four bytes of two words, by the lower four nibbles of `picks`: a byte's number, and 8 more for eight times its sign.
// __byte_perm gives no signs, and spends an instruction on that.
__device__ inline uint32_t picked(uint32_t low, uint32_t high, uint32_t picks) {
#ifdef __CUDA_ARCH__
  uint32_t bytes;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(bytes) : "r"(low), "r"(high), "r"(picks));
  return bytes;
#else
  return prmt(low, high, picks);
#endif
}

// A function of three words, bit by bit: kTable is what it makes of 0xF0, 0xCC and 0xAA.
template <uint32_t kTable>
__device__ inline uint32_t logic(uint32_t a, uint32_t b, uint32_t c) {
#ifdef __CUDA_ARCH__
  uint32_t bits;
  asm("lop3.b32 %0, %1, %2, %3, %4;" : "=r"(bits) : "r"(a), "r"(b), "r"(c), "n"(kTable));
  return bits;
#else
  return lop3(a, b, c, kTable);
#endif
}

// The bits that two of three words have.
__device__ inline uint32_t two_of_three(uint32_t a, uint32_t b, uint32_t c) {
  return logic<(0xF0 & 0xCC) | ((0xF0 | 0xCC) & 0xAA)>(a, b, c);
}

// The bits of `ones` where `mask` has ones, else those of `zeros`.
__device__ inline uint32_t selected(uint32_t mask, uint32_t ones, uint32_t zeros) {
  return logic<(0xF0 & 0xCC) | (0x0F & 0xAA)>(mask, ones, zeros);
}

}  // namespace gpuaug
