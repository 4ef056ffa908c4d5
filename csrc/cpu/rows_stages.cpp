// The loops of the stages between geometry and output: on rows of levels.
#include <bit>
#include <cstring>
#include <type_traits>

#include "common/philox.h"
#include "common/stages/blur.h"
#include "common/stages/color.h"
#include "cpu/row_kernels.h"
#include "host/simd.h"

namespace gpuaug {
namespace {

inline int16_t blurred(int16_t before2, int16_t before1, int16_t centre, int16_t after1, int16_t after2, int16_t outer,
                       int16_t inner) {
  const int16_t far = rounded_product(difference(mean(before2, after2), centre), outer);
  const int16_t near = rounded_product(difference(mean(before1, after1), centre), inner);
  return sum(sum(centre, far), near);
}

}  // namespace

// ---- Blur

GPUAUG_ALL_VECTORS
void blur_across(Row row, int channels, int16_t outer, int16_t inner, Row to, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const int16_t* __restrict in = row.channel(c);
    int16_t* __restrict out = to.channel(c);
    for (int64_t x = 0; x < n; x += kRowBlock) {
      for (int i = 0; i < kRowBlock; ++i) {
        const int16_t* at = in + x + i;
        out[x + i] = blurred(at[-2], at[-1], at[0], at[1], at[2], outer, inner);
      }
    }
  }
}

GPUAUG_ALL_VECTORS
void blur_down(const int16_t* const rows[5], int16_t outer, int16_t inner, int16_t* __restrict out, int64_t n) {
  const int16_t* __restrict a = rows[0], * __restrict b = rows[1], * __restrict c = rows[2], * __restrict d = rows[3], * __restrict e = rows[4];
  for (int64_t x = 0; x < n; x += kRowBlock) {
    for (int i = 0; i < kRowBlock; ++i) {
      out[x + i] = rounded_level(blurred(a[x + i], b[x + i], c[x + i], d[x + i], e[x + i], outer, inner));
    }
  }
}

GPUAUG_ALL_VECTORS
void article_across_row(Row row, int channels, Row to, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const int16_t* __restrict in = row.channel(c);
    int16_t* __restrict out = to.channel(c);
    for (int64_t x = 0; x < n; x += kRowBlock) {
      for (int i = 0; i < kRowBlock; ++i) {
        const int16_t* at = in + x + i;
        out[x + i] = static_cast<int16_t>(article_across(at[-2], at[-1], at[0], at[1], at[2]));
      }
    }
  }
}

GPUAUG_ALL_VECTORS
void article_down_row(const int16_t* const rows[5], const int16_t* const image[3], int16_t* __restrict out, int64_t n) {
  const int16_t* __restrict a = rows[0], * __restrict b = rows[1], * __restrict c = rows[2], * __restrict d = rows[3], * __restrict e = rows[4];
  const int16_t* __restrict above = image[0], * __restrict own = image[1], * __restrict below = image[2];
  for (int64_t x = 0; x < n; x += kRowBlock) {
    for (int i = 0; i < kRowBlock; ++i) {
      const int64_t at = x + i;
      out[at] = static_cast<int16_t>(
          article_down(a[at], b[at], c[at], d[at], e[at], above[at], own[at + 1], below[at], own[at - 1], own[at]));
    }
  }
}

// ---- Color

GPUAUG_ALL_VECTORS
void color_levels(const ColorRow* rows, Row levels, int channels, int64_t n) {
  int16_t* __restrict red = levels.channel(0);
  int16_t* __restrict green = levels.channel(1);
  int16_t* __restrict blue = levels.channel(2);
  const ColorRow r = rows[0], g = rows[1], b = rows[2];
  if (channels == 1) {
    const auto weight = r.red + r.green + r.blue;
    for (int64_t x = 0; x < n; ++x) red[x] = static_cast<int16_t>(color({weight, 0, 0, r.added}, red[x], 0, 0));
  } else if (channels == 2) {
    for (int64_t x = 0; x < n; ++x) {
      const int first = red[x], second = green[x];
      red[x] = static_cast<int16_t>(color(r, first, second, second));
      green[x] = static_cast<int16_t>(color(g, first, second, second));
    }
  } else {
    for (int64_t x = 0; x < n; ++x) {
      const int first = red[x], second = green[x], third = blue[x];
      red[x] = static_cast<int16_t>(color(r, first, second, third));
      green[x] = static_cast<int16_t>(color(g, first, second, third));
      blue[x] = static_cast<int16_t>(color(b, first, second, third));
    }
  }
}

// ---- Impulse noise

GPUAUG_ALL_VECTORS
void pixel_bits_at(uint64_t key, int64_t place, int channel, int64_t first_block, uint16_t* __restrict bits) {
  constexpr int kLanes = kPhiloxBlocks;
  uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    c0[i] = static_cast<uint32_t>(first_block + i);
    c1[i] = static_cast<uint32_t>(channel);
    c2[i] = static_cast<uint32_t>(place);
    c3[i] = kPixels;
  }
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < kPhiloxRounds; ++round) {
    uint32_t high0[kLanes], high1[kLanes];
#pragma GCC unroll 1  // or it is unrolled before it can be vectorised
    for (int i = 0; i < kLanes; ++i) {
      high0[i] = static_cast<uint32_t>((uint64_t{kPhiloxA} * c0[i]) >> 32);
      high1[i] = static_cast<uint32_t>((uint64_t{kPhiloxB} * c2[i]) >> 32);
    }
#pragma GCC unroll 1
    for (int i = 0; i < kLanes; ++i) {
      const uint32_t low0 = kPhiloxA * c0[i], low1 = kPhiloxB * c2[i];
      c0[i] = high1[i] ^ c1[i] ^ k0;
      c1[i] = low1;
      c2[i] = high0[i] ^ c3[i] ^ k1;
      c3[i] = low0;
    }
    k0 += kPhiloxKeyA;
    k1 += kPhiloxKeyB;
  }
  if constexpr (std::endian::native == std::endian::little) {
    uint32_t words[4 * kLanes];
#pragma GCC unroll 1
    for (int i = 0; i < kLanes; ++i) {
      words[4 * i] = c0[i], words[4 * i + 1] = c1[i], words[4 * i + 2] = c2[i], words[4 * i + 3] = c3[i];
    }
    std::memcpy(bits, words, sizeof words);
  } else {
    for (int i = 0; i < kLanes; ++i) {
      const Block block{{c0[i], c1[i], c2[i], c3[i]}};
      for (int k = 0; k < kPixelsPerBlock; ++k) bits[8 * i + k] = static_cast<uint16_t>(pixel_bits(block, k));
    }
  }
}

GPUAUG_ALL_VECTORS
void salt_and_pepper_row(const uint16_t* __restrict bits, int64_t salt, int64_t pepper, Row levels, int channels,
                         int64_t n) {
  // Thresholds beyond 16 bits hold for all pixels.
  const bool all_salt = salt > 0xFFFF, all_noise = all_salt || pepper > 0xFFFF;
  const auto s = static_cast<uint16_t>(salt < 0 ? 0 : salt), p = static_cast<uint16_t>(pepper < 0 ? 0 : pepper);
  const auto otherwise_keep = static_cast<int16_t>(all_noise ? 0 : -1);
  const auto otherwise_salt = static_cast<int16_t>(all_salt ? 255 : 0);
  for (int64_t x = 0; x < n; x += kRowBlock) {
    int16_t keep[kRowBlock], salted[kRowBlock];
    for (int i = 0; i < kRowBlock; ++i) {
      keep[i] = bits[x + i] < s || bits[x + i] < p ? int16_t{0} : otherwise_keep;
      salted[i] = bits[x + i] < s ? int16_t{255} : otherwise_salt;
    }
    for (int c = 0; c < channels; ++c) {
      int16_t* __restrict values = levels.channel(c) + x;
      for (int i = 0; i < kRowBlock; ++i) values[i] = static_cast<int16_t>((values[i] & keep[i]) | salted[i]);
    }
  }
}

}  // namespace gpuaug
