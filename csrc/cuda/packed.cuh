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

// value * weight + kSum. Left to itself the compiler adds a number that it knows last, by an instruction of its own.
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

// Rows in 1/128 under weights that add up to 2^17: the level, in bits 24 to 31. Half of 1/128 and half of a level
// round at once, since one of them is a whole number of the other.
__device__ inline uint32_t blend_down(uint32_t one, uint32_t other, uint32_t weight, uint32_t other_weight) {
  constexpr uint32_t kHalf = ((1 << 10) + (64 << 11)) << 6;
  return other * other_weight + product_and<kHalf>(one, weight);
}

__device__ inline uint32_t low_half(uint32_t pair) { return pair & 0xFFFF; }
__device__ inline uint32_t high_half(uint32_t pair) { return pair >> 16; }

// The last byte of four words, side by side.
__device__ inline uint32_t four_of_tops(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return __byte_perm(__byte_perm(a, b, 0x0073), __byte_perm(c, d, 0x0073), 0x5410);
}

// ---- Blur, of two neighbouring columns at a time. Each pull is worked out in 2^-16, so that its whole part is a
// word's upper half, which two columns' words give up together.

// The upper halves of two words, side by side.
__device__ inline uint32_t pair_of_highs(uint32_t low, uint32_t high) { return __byte_perm(low, high, 0x7632); }

// Four levels, each times a small number, which may be less than 0.
template <uint32_t kNumbers>
__device__ inline int dot(uint32_t levels, int sum) {
#ifdef __CUDA_ARCH__
  int out;  // CUDA has no name for a product of bytes of which only some have a sign
  asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(out) : "r"(levels), "n"(kNumbers), "r"(sum));
  return out;
#else
  for (int i = 0; i < 32; i += 8) sum += static_cast<int>(levels >> i & 0xFF) * static_cast<int8_t>(kNumbers >> i);
  return sum;
#endif
}

// The same of the eight levels of two words.
template <uint64_t kNumbers>
__device__ inline uint32_t dot(const uint32_t* words) {
  constexpr auto kLow = static_cast<uint32_t>(kNumbers), kHigh = static_cast<uint32_t>(kNumbers >> 32);
  int sum = 0;
  if constexpr (kLow != 0) sum = dot<kLow>(words[0], sum);
  if constexpr (kHigh != 0) sum = dot<kHigh>(words[1], sum);
  return static_cast<uint32_t>(sum);
}

// On whole levels the mean of two needs no rounding, so that half a product remains: in 2^-22.
struct AcrossWeights {
  uint32_t outer, inner;

  __device__ AcrossWeights(int outer, int inner)  // of BlurWeights
      : outer(static_cast<uint32_t>(outer) << 7), inner(static_cast<uint32_t>(inner) << 7) {}
};

// Two columns across, in 1/128: of the eight levels of two words, those at kAt + 2 and kAt + 3 are the centres. A pull
// may be less than 0: each comes with 2^15 more. The two of the first column carry into the second one's, which have 1
// less for that.
template <int kAt>
__device__ inline uint32_t blur_across(const AcrossWeights& weights, const uint32_t* words) {
  static_assert(kAt == 0 || kAt == 2);
  constexpr uint64_t kOuter = uint64_t{0x0100FE0001} << 8 * kAt, kInner = uint64_t{0x0001FE0100} << 8 * kAt;
  constexpr uint32_t kMore = (1u << 31) + (1 << 15), kOneLess = 1 << 16;
  const uint32_t outer = pair_of_highs(product_and<kMore>(dot<kOuter>(words), weights.outer),
                                       product_and<kMore>(dot<kOuter << 8>(words), weights.outer));
  const uint32_t inner = pair_of_highs(product_and<kMore>(dot<kInner>(words), weights.inner),
                                       product_and<kMore - kOneLess>(dot<kInner << 8>(words), weights.inner));
  const uint32_t centres = kAt ? __byte_perm(words[1], 0, 0x4140) : __byte_perm(words[0], 0, 0x4342);
  return centres * 128 + outer + inner;
}

// What five rows are multiplied by: the outer sum and the centre, the inner sum and the centre.
struct DownWeights {
  uint32_t outer, outer_centre, inner, inner_centre;

  __device__ explicit DownWeights(BlurWeights weights)
      : outer(static_cast<uint32_t>(weights.outer)),
        outer_centre((1u << 16) - 2 * outer),
        inner(static_cast<uint32_t>(weights.inner)),
        inner_centre(0u - 2 * inner) {}
};

// A pair of columns of five rows in 1/128, each 0 to 32640: the result, half a level and 2^15 in each half, so that a
// level begins at its bit 7. The outer pull comes with the centre, so it is at least 0.
__device__ inline uint32_t blur_down(const DownWeights& weights, uint32_t up2, uint32_t up1, uint32_t centre,
                                     uint32_t down1, uint32_t down2) {
  constexpr uint32_t kHalf = 1 << 15, kMore = 1u << 31, kHalfLevel = 64 << 16;
  const uint32_t outer = up2 + down2 + 0x00010001u, inner = up1 + down1 + 0x00010001u;  // no carry crosses
  const uint32_t low = low_half(centre), high = high_half(centre);
  // Twice the mean, twice the centre: (mean - centre) * weight + 2^14 in 2^15 is the double of each in 2^16.
  const auto pulled_outer = [&](uint32_t sum, uint32_t own) {
    return sum * weights.outer + product_and<kHalf>(own, weights.outer_centre);
  };
  const auto pulled_inner = [&](uint32_t sum, uint32_t own) {
    return sum * weights.inner + product_and<kHalf + kHalfLevel + kMore>(own, weights.inner_centre);
  };
  return pair_of_highs(pulled_outer(outer & 0xFFFE, low), pulled_outer(outer >> 16 & 0xFFFE, high)) +
         pair_of_highs(pulled_inner(inner & 0xFFFE, low), pulled_inner(inner >> 16 & 0xFFFE, high));
}

// The levels of four such values.
__device__ inline uint32_t four_levels(uint32_t first_pair, uint32_t second_pair) {
  return __byte_perm(first_pair >> 7, second_pair >> 7, 0x6420);
}

}  // namespace gpuaug
