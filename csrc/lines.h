// The CPU's inner loops: whole rows of 8- and 16-bit values, one fact of stages.h to a loop, written so that compilers
// vectorise them.
#pragma once

#include <cstdint>

#include "random.h"

namespace gpuaug {

// (a * b + 2^14) >> 15, in the form that compilers turn into one rounding 16-bit multiplication.
inline int16_t rounded_product(int16_t a, int16_t b) {
  return static_cast<int16_t>((((int32_t{a} * b) >> 14) + 1) >> 1);
}

inline int16_t difference(int16_t a, int16_t b) { return static_cast<int16_t>(a - b); }

inline int16_t sum(int16_t a, int16_t b) { return static_cast<int16_t>(a + b); }

inline int16_t mean(int16_t a, int16_t b) {
  return static_cast<int16_t>((uint32_t{static_cast<uint16_t>(a)} + static_cast<uint16_t>(b) + 1) >> 1);
}

inline uint8_t rounded_level(int16_t fine) { return static_cast<uint8_t>(sum(fine, 64) >> 7); }

// Sixteen columns at a time read their pixels out of sixteen neighbouring bytes, where a row is not shrunk: one byte
// shuffle.
constexpr int kGroup = 16;

#if defined(__GNUC__) && !defined(__clang__)
constexpr bool kShuffles = true;

inline void pick_group(const uint8_t* from, const uint8_t* places, uint8_t* out) {
  typedef uint8_t Bytes __attribute__((vector_size(kGroup)));
  Bytes bytes, indices;
  __builtin_memcpy(&bytes, from, kGroup);
  __builtin_memcpy(&indices, places, kGroup);
  bytes = __builtin_shuffle(bytes, indices);
  __builtin_memcpy(out, &bytes, kGroup);
}
#else
constexpr bool kShuffles = false;

inline void pick_group(const uint8_t* from, const uint8_t* places, uint8_t* out) {
  for (int i = 0; i < kGroup; ++i) out[i] = from[places[i]];
}
#endif

// weights in 1/2^15
inline void blend_across(const uint8_t* first, const uint8_t* second, const int16_t* weights, int16_t* out, int64_t n) {
  for (int64_t x = 0; x < n; ++x) {
    const auto a = static_cast<int16_t>(first[x] << 7), b = static_cast<int16_t>(second[x] << 7);
    out[x] = sum(a, rounded_product(difference(b, a), weights[x]));
  }
}

inline void blend_down(const int16_t* upper, const int16_t* lower, int16_t weight, uint8_t* out, int64_t n) {
  for (int64_t x = 0; x < n; ++x) {
    out[x] = rounded_level(sum(upper[x], rounded_product(difference(lower[x], upper[x]), weight)));
  }
}

inline void to_fine(const uint8_t* levels, int16_t* out, int64_t n) {
  for (int64_t x = 0; x < n; ++x) out[x] = static_cast<int16_t>(levels[x] << 7);
}

inline int16_t blurred(int16_t before2, int16_t before1, int16_t centre, int16_t after1, int16_t after2, int16_t outer,
                       int16_t inner) {
  const int16_t far = rounded_product(difference(mean(before2, after2), centre), outer);
  const int16_t near = rounded_product(difference(mean(before1, after1), centre), inner);
  return sum(sum(centre, far), near);
}

// in starts two values before the row
inline void blur_across(const int16_t* in, int16_t outer, int16_t inner, int16_t* out, int64_t n) {
  for (int64_t x = 0; x < n; ++x) out[x] = blurred(in[x], in[x + 1], in[x + 2], in[x + 3], in[x + 4], outer, inner);
}

inline void blur_down(const int16_t* const rows[5], int16_t outer, int16_t inner, uint8_t* out, int64_t n) {
  const int16_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3], *e = rows[4];
  for (int64_t x = 0; x < n; ++x) out[x] = rounded_level(blurred(a[x], b[x], c[x], d[x], e[x], outer, inner));
}

// The masks of noise: value = (value & keep) | salt, from the 16 bits of each pixel.
inline void noise_masks(const uint16_t* bits, int32_t salt, int32_t pepper, uint8_t* keep, uint8_t* salted, int64_t n) {
  if (pepper > 0xFFFF) {
    for (int64_t x = 0; x < n; ++x) keep[x] = 0, salted[x] = bits[x] < salt ? 255 : 0;
    return;
  }
  const auto s = static_cast<uint16_t>(salt), p = static_cast<uint16_t>(pepper);
  for (int64_t x = 0; x < n; ++x) {
    keep[x] = bits[x] < p ? 0 : 255;
    salted[x] = bits[x] < s ? 255 : 0;
  }
}

inline void apply_masks(const uint8_t* keep, const uint8_t* salted, uint8_t* values, int64_t n) {
  for (int64_t x = 0; x < n; ++x) values[x] = static_cast<uint8_t>((values[x] & keep[x]) | salted[x]);
}

// The blocks [first, first + 16) of a draw's pixels, all lanes at once: 128 pixels' bits, in order.
constexpr int kBlocksAtOnce = 16;

inline void pixel_blocks(uint64_t key, int64_t place, int64_t first, uint16_t* bits) {
  uint32_t c0[kBlocksAtOnce], c1[kBlocksAtOnce], c2[kBlocksAtOnce], c3[kBlocksAtOnce];
  for (int i = 0; i < kBlocksAtOnce; ++i) {
    c0[i] = static_cast<uint32_t>(first + i);
    c1[i] = 0;
    c2[i] = static_cast<uint32_t>(place);
    c3[i] = 0;
  }
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 1  // or it is unrolled before it can be vectorised
    for (int i = 0; i < kBlocksAtOnce; ++i) {
      const uint64_t p0 = uint64_t{0xD2511F53} * c0[i], p1 = uint64_t{0xCD9E8D57} * c2[i];
      c0[i] = static_cast<uint32_t>(p1 >> 32) ^ c1[i] ^ k0;
      c1[i] = static_cast<uint32_t>(p1);
      c2[i] = static_cast<uint32_t>(p0 >> 32) ^ c3[i] ^ k1;
      c3[i] = static_cast<uint32_t>(p0);
    }
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  for (int i = 0; i < kBlocksAtOnce; ++i) {
    const uint32_t words[4] = {c0[i], c1[i], c2[i], c3[i]};
    for (int w = 0; w < 4; ++w) {
      bits[8 * i + 2 * w] = static_cast<uint16_t>(words[w]);
      bits[8 * i + 2 * w + 1] = static_cast<uint16_t>(words[w] >> 16);
    }
  }
}

}  // namespace gpuaug
