// The arithmetic of common/ on words that hold several values, with the same integers in fewer instructions.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/layout.h"
#include "common/stages/blur.h"

namespace gpuaug {

// ---- Blends. blend() rounds first + ((second - first) * weight + half) >> bits, which is
// (first * (one - weight) + second * weight + half) >> bits: the first factor is a whole number of 2^bits.

// Blends two levels with weights that add up to 2^15: the result is in 1/128, in bits 8 to 23.
constexpr uint32_t kHalfAcross = 1 << 7;

// value * weight + kSum. By default the compiler would add the constant last, with an extra instruction.
template <uint32_t kSum>
__device__ inline uint32_t product_and(uint32_t value, uint32_t weight) {
#ifdef __CUDA_ARCH__
  uint32_t out;
  asm("mad.lo.u32 %0, %1, %2, %3;" : "=r"(out) : "r"(value), "r"(weight), "n"(kSum));
  return out;
#else
  return value * weight + kSum;
#endif
}

// Blends rows in 1/128 with weights that add up to 2^17: the level is in bits 24 to 31. Half of 1/128 and half of a
// level are added at once, as one is a multiple of the other.
__device__ inline uint32_t blend_down(uint32_t one, uint32_t other, uint32_t weight, uint32_t other_weight) {
  constexpr uint32_t kHalf = ((1 << 10) + (64 << 11)) << 6;
  return other * other_weight + product_and<kHalf>(one, weight);
}

__device__ inline uint32_t low_half(uint32_t pair) { return pair & 0xFFFF; }
__device__ inline uint32_t high_half(uint32_t pair) { return pair >> 16; }

// The last bytes of four words, in one word.
__device__ inline uint32_t four_of_tops(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return __byte_perm(__byte_perm(a, b, 0x0073), __byte_perm(c, d, 0x0073), 0x5410);
}

// ---- Blur: blurred_across() and blurred_down().

// The five weights of a column, aligned to pairs of levels: the first weight of an even column is at the first level of
// a pair, that of an odd column at the second.
struct AcrossWeights {
  uint32_t even[3], odd[3];

  __device__ explicit AcrossWeights(BlurWeights weights) {
    const auto outer = static_cast<uint32_t>(weights.outer), inner = static_cast<uint32_t>(weights.inner);
    // 2^16 does not fit 16 bits. One less gives the same result: it is then the only weight, and rounding corrects it.
    const uint32_t centre = min(static_cast<uint32_t>(weights.centre), 0xFFFFu);
    even[0] = outer | inner << 16, even[1] = centre | inner << 16, even[2] = outer;
    odd[0] = outer << 16, odd[1] = inner | centre << 16, odd[2] = inner | outer << 16;
#ifdef __CUDA_ARCH__  // kept in registers, not packed again for each row
    for (auto* three : {even, odd}) asm volatile("" : "+r"(three[0]), "+r"(three[1]), "+r"(three[2]));
#endif
  }
};

// The sum of the levels at j to j + 4, of the twelve in three words, times a column's weights.
__device__ inline uint32_t weigh_across(const AcrossWeights& weights, const uint32_t (&words)[3], int j, uint32_t sum) {
#pragma unroll
  for (int i = 0; i < 3; ++i) {
    const uint32_t pair = j % 2 ? weights.odd[i] : weights.even[i], word = words[(j / 2 + i) / 2];
    sum = (j / 2 + i) % 2 ? __dp2a_hi(pair, word, sum) : __dp2a_lo(pair, word, sum);
  }
  return sum;
}

// Half of 1/64, with weights in 1/2^16.
constexpr uint32_t kHalfAcrossBlur = 1 << 9;

// Rows in 1/64 with weights in 1/2^18 give the level in bits 24 to 31; this is half of a level.
constexpr uint32_t kHalfDownBlur = 1 << 23;

}  // namespace gpuaug
