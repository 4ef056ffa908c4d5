// The arithmetic of common/ on words that hold several values: the same integers, in fewer instructions.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/layout.h"
#include "common/stages/blur.h"

namespace gpuaug {

// ---- Blends. blend() rounds first + ((second - first) * weight + half) >> bits, which is
// (first * (one - weight) + second * weight + half) >> bits: the first factor is a whole number of 2^bits.

// Two levels under weights that add up to 2^15: in 1/128, in bits 8 to 23.
constexpr uint32_t kHalfAcross = 1 << 7;

// Rows in 1/128 under weights that add up to 2^17: the level, in bits 24 to 31. Half of 1/128 and half of a level
// round at once, since one of them is a whole number of the other.
__device__ inline uint32_t blend_down(uint32_t one, uint32_t other, uint32_t weight, uint32_t other_weight) {
  constexpr uint32_t kHalf = ((1 << 10) + (64 << 11)) << 6;
#ifdef __CUDA_ARCH__
  // Left to itself the compiler adds the half by an instruction of its own.
  uint32_t sum;
  asm("mad.lo.u32 %0, %1, %2, %3;" : "=r"(sum) : "r"(one), "r"(weight), "r"(kHalf));
  asm("mad.lo.u32 %0, %1, %2, %3;" : "=r"(sum) : "r"(other), "r"(other_weight), "r"(sum));
  return sum;
#else
  return one * weight + other * other_weight + kHalf;
#endif
}

__device__ inline uint32_t low_half(uint32_t pair) { return pair & 0xFFFF; }
__device__ inline uint32_t high_half(uint32_t pair) { return pair >> 16; }

// The last byte of four words, side by side.
__device__ inline uint32_t four_of_tops(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return __byte_perm(__byte_perm(a, b, 0x0073), __byte_perm(c, d, 0x0073), 0x5410);
}

// ---- Blur. pull() for four neighbouring levels in a word each, and for pairs of 16-bit values.

// `left` holds the levels at x-2 .. x+1, `right` those at x-1 .. x+2, each less 128; the result is in 1/128. On whole
// levels the mean of two needs no rounding, so that half a product by 64 remains: 2^14 in 2^15 is 2^8 in 2^9. Every sum
// of weights below is 0 but the centre's, which therefore gets its 128 back.
__device__ inline int blur_across(BlurWeights weights, int left, int right) {
  const int outer = __dp4a(right, 0x01000000, __dp4a(left, 0x00FE0001, 0));  // x-2, x+2, twice x
  const int inner = __dp4a(right, 0x0001FE01, 0);                            // x-1, x+1, twice x
  const int less = __dp4a(left, static_cast<int>(0x00800000), -128 * 128);   // -128 times x
  return ((outer * weights.outer + (1 << 8)) >> 9) + ((inner * weights.inner + (1 << 8)) >> 9) - less;
}

// A pair of columns of five rows in 1/128, each 0 to 32640: the result and half a level in each half, so that a level
// begins at its bit 7.
__device__ inline uint32_t blur_down(BlurWeights weights, const uint32_t rows[5]) {
  const uint32_t outer = rows[0] + rows[4] + 0x00010001u, inner = rows[1] + rows[3] + 0x00010001u;  // no carry crosses
  const auto one = [&](uint32_t outer_sum, uint32_t inner_sum, int centre) {
    // Twice the mean, twice the centre: (mean - centre) * weight + 2^14 in 2^15 is the double of each in 2^16.
    const int pulled_outer = static_cast<int>(outer_sum) * weights.outer + (1 << 15) - 2 * weights.outer * centre;
    const int pulled_inner = static_cast<int>(inner_sum) * weights.inner + (1 << 15) + (64 << 16) -
                             2 * weights.inner * centre;  // and half a level for level()
    return static_cast<uint32_t>(centre + (pulled_outer >> 16) + (pulled_inner >> 16));
  };
  const uint32_t low = one(outer & 0xFFFE, inner & 0xFFFE, static_cast<int>(low_half(rows[2])));
  const uint32_t high = one((outer >> 16) & 0xFFFE, (inner >> 16) & 0xFFFE, static_cast<int>(high_half(rows[2])));
  return __byte_perm(low, high, 0x5410);
}

// The levels of four such values.
__device__ inline uint32_t four_levels(uint32_t first_pair, uint32_t second_pair) {
  return __byte_perm(first_pair >> 7, second_pair >> 7, 0x6420);
}

}  // namespace gpuaug
