#include "lines.h"

#include <bit>
#include <cstring>
#include <type_traits>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "random.h"
#include "stages.h"

// Loops with bounds that are known and pointers that do not overlap, so that compilers vectorise them.
#if defined(GPUAUG_ALL_VECTORS)
// A test has chosen.
#elif defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define GPUAUG_ALL_VECTORS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GPUAUG_ALL_VECTORS
#endif

namespace gpuaug {
namespace {

// (a * b + 2^14) >> 15, in the form that compilers turn into one rounding 16-bit multiplication.
inline int16_t rounded_product(int16_t a, int16_t b) {
  return static_cast<int16_t>((((int32_t{a} * b) >> 14) + 1) >> 1);
}

inline int16_t difference(int16_t a, int16_t b) { return static_cast<int16_t>(a - b); }

inline int16_t sum(int16_t a, int16_t b) { return static_cast<int16_t>(a + b); }

inline int16_t mean(int16_t a, int16_t b) {
  return static_cast<int16_t>((uint32_t{static_cast<uint16_t>(a)} + static_cast<uint16_t>(b) + 1) >> 1);
}

inline int16_t rounded_level(int16_t fine) { return static_cast<int16_t>(sum(fine, 64) >> 7); }

inline int16_t whole_fine(int16_t fine) { return static_cast<int16_t>(sum(fine, 64) & ~127); }

inline int16_t blended(int16_t first, int16_t second, int16_t weight) {
  return sum(first, rounded_product(difference(second, first), weight));
}

inline int16_t blurred(int16_t before2, int16_t before1, int16_t centre, int16_t after1, int16_t after2, int16_t outer,
                       int16_t inner) {
  const int16_t far = rounded_product(difference(mean(before2, after2), centre), outer);
  const int16_t near = rounded_product(difference(mean(before1, after1), centre), inner);
  return sum(sum(centre, far), near);
}

inline void pick(const uint8_t* row, const Group& group, uint8_t* out) {
#if defined(__GNUC__) && !defined(__clang__)
  typedef uint8_t Bytes __attribute__((vector_size(kGroup)));
  Bytes bytes, places;
  std::memcpy(&bytes, row + group.begin, kGroup);
  std::memcpy(&places, group.places, kGroup);
  bytes = __builtin_shuffle(bytes, places);
  std::memcpy(out, &bytes, kGroup);
#else
  for (int i = 0; i < kGroup; ++i) out[i] = row[group.begin + group.places[i]];
#endif
}

// Four neighbouring pixels, the first one in the lowest byte.
inline uint32_t quad(const uint8_t* pixels) {
  uint32_t word;
  std::memcpy(&word, pixels, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap32(word);
#endif
  return word;
}

// To the nearest bfloat16, to even from halfway; of finite values.
inline uint16_t bfloat(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

template <typename T>
inline void interleave_lines(const T* __restrict lines, int64_t line, int channels, T* __restrict out, int64_t n) {
  if (channels == 3) {  // the usual number, so that it is vectorised
    const T *a = lines, *b = lines + line, *c = lines + 2 * line;
    for (int64_t x = 0; x < n; ++x) out[3 * x] = a[x], out[3 * x + 1] = b[x], out[3 * x + 2] = c[x];
    return;
  }
  for (int c = 0; c < channels; ++c) {
    for (int64_t x = 0; x < n; ++x) out[x * channels + c] = lines[c * line + x];
  }
}

}  // namespace

// ---- From the source's bytes

GPUAUG_ALL_VECTORS
void deinterleave(const uint8_t* __restrict row, int channels, int64_t width, uint8_t* __restrict out, int64_t line) {
  if (channels == 3) {
    uint8_t* __restrict a = out, * __restrict b = out + line, * __restrict c = out + 2 * line;
    for (int64_t x = 0; x < width; ++x) a[x] = row[3 * x], b[x] = row[3 * x + 1], c[x] = row[3 * x + 2];
    return;
  }
  for (int c = 0; c < channels; ++c) {
    for (int64_t x = 0; x < width; ++x) out[c * line + x] = row[x * channels + c];
  }
}

GPUAUG_ALL_VECTORS
void blend_groups(SourceRow from, int channels, const Group* __restrict first, const Group* __restrict second,
                  const int16_t* __restrict weights, Row to, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const uint8_t* row = from.bytes + c * from.line;
    int16_t* __restrict out = to.channel(c);
    const Group *f = first, *s = second;
    for (int64_t x = 0; x < n; x += kGroup) {
      uint8_t a[kGroup], b[kGroup];
      pick(row, *f++, a);
      pick(row, *s++, b);
      for (int i = 0; i < kGroup; ++i) {
        out[x + i] = blended(static_cast<int16_t>(a[i] << 7), static_cast<int16_t>(b[i] << 7), weights[x + i]);
      }
    }
  }
}

GPUAUG_ALL_VECTORS
void blend_columns(SourceRow from, int channels, const int32_t* __restrict first, const int32_t* __restrict second,
                   const int16_t* __restrict weights, Row to, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const uint8_t* row = from.bytes + c * from.line;
    int16_t* __restrict out = to.channel(c);
    for (int64_t x = 0; x < n; ++x) {  // a negative column reads zero
      const int a = first[x] < 0 ? 0 : row[first[x]], b = second[x] < 0 ? 0 : row[second[x]];
      out[x] = blended(static_cast<int16_t>(a << 7), static_cast<int16_t>(b << 7), weights[x]);
    }
  }
}

GPUAUG_ALL_VECTORS
void filter_columns(SourceRow from, int channels, const int32_t* __restrict starts, int64_t quads,
                    const int16_t* __restrict weights, Row to, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const uint8_t* row = from.bytes + c * from.line;
    int16_t* __restrict out = to.channel(c);
    for (int64_t x = 0; x < n; x += kGroup) {
      int32_t sums[kGroup] = {};
      for (int64_t q = 0; q < quads; ++q) {
        uint32_t pixels[kGroup];
        for (int i = 0; i < kGroup; ++i) pixels[i] = quad(row + starts[x + i] + 4 * q);
        const int16_t* __restrict w = weights + 4 * q * n + x;
        for (int i = 0; i < kGroup; ++i) {
          const auto a = static_cast<int32_t>(pixels[i] & 255), b = static_cast<int32_t>(pixels[i] >> 8 & 255);
          const auto c = static_cast<int32_t>(pixels[i] >> 16 & 255), d = static_cast<int32_t>(pixels[i] >> 24);
          sums[i] += a * w[i] + b * w[n + i] + c * w[2 * n + i] + d * w[3 * n + i];
        }
      }
      for (int i = 0; i < kGroup; ++i) out[x + i] = static_cast<int16_t>(filtered_across(sums[i]));
    }
  }
}

GPUAUG_ALL_VECTORS
void take_groups(SourceRow from, int channels, const Group* __restrict first, Row to, bool fine, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const uint8_t* row = from.bytes + c * from.line;
    int16_t* __restrict out = to.channel(c);
    const Group* f = first;
    for (int64_t x = 0; x < n; x += kGroup) {
      uint8_t a[kGroup];
      pick(row, *f++, a);
      if (fine) {
        for (int i = 0; i < kGroup; ++i) out[x + i] = static_cast<int16_t>(a[i] << 7);
      } else {
        for (int i = 0; i < kGroup; ++i) out[x + i] = a[i];
      }
    }
  }
}

GPUAUG_ALL_VECTORS
void take_bytes(SourceRow from, int channels, int64_t own, Row to, bool fine, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const uint8_t* __restrict in = from.bytes + c * from.line;
    int16_t* __restrict out = to.channel(c);
    int64_t x = 0;
    for (; x + kBlock <= own; x += kBlock) {
      for (int i = 0; i < kBlock; ++i) out[x + i] = in[x + i];
    }
    for (; x < own; ++x) out[x] = in[x];
    for (; x < n; ++x) out[x] = out[own - 1];
    for (x = 0; fine && x < n; x += kBlock) {
      for (int i = 0; i < kBlock; ++i) out[x + i] = static_cast<int16_t>(out[x + i] << 7);
    }
  }
}

GPUAUG_ALL_VECTORS
void blend_turned(const uint8_t* source, const TurnedTaps& taps, int channels, int count, Row to, bool fine) {
  int32_t places[kBlock];
  int16_t across[kBlock], down[kBlock];
  const int64_t* __restrict x_steps = taps.x_steps;
  const int64_t* __restrict y_steps = taps.y_steps;
  const auto row_step = static_cast<int32_t>(taps.row), column_step = static_cast<int32_t>(taps.column);
  for (int i = 0; i < kBlock; ++i) {  // those beyond `count` may lie anywhere; unsigned, so that they may wrap
    const uint64_t x = static_cast<uint64_t>(taps.x) + static_cast<uint64_t>(x_steps[i]);
    const uint64_t y = static_cast<uint64_t>(taps.y) + static_cast<uint64_t>(y_steps[i]);
    places[i] = static_cast<int32_t>(static_cast<uint32_t>(y >> 32) * static_cast<uint32_t>(row_step) +
                                     static_cast<uint32_t>(x >> 32) * static_cast<uint32_t>(column_step));
    across[i] = static_cast<int16_t>((x >> 17) & (2047 << 4));
    down[i] = static_cast<int16_t>((y >> 17) & (2047 << 4));
  }
  // Of each channel a pixel and its right neighbour. All are read before the first is used: what was just written in
  // small pieces cannot be read at once in a large one.
  uint16_t above[4][kBlock], below[4][kBlock];
  const bool side_by_side = column_step == 3 && channels == 3;
  if (side_by_side) {  // the usual number: six bytes a row, the first four of them in one word
    uint32_t four[2][kBlock] = {};
    uint16_t two[2][kBlock] = {};
    for (int i = 0; i < count; ++i) {
      for (int row = 0; row < 2; ++row) {
        const uint8_t* six = source + places[i] + row * row_step;
        four[row][i] = quad(six);
        two[row][i] = static_cast<uint16_t>(six[4] | six[5] << 8);
      }
    }
    for (int row = 0; row < 2; ++row) {
      auto& pairs = row == 0 ? above : below;
      for (int i = 0; i < kBlock; ++i) {
        const uint32_t word = four[row][i], half = two[row][i];
        pairs[0][i] = static_cast<uint16_t>((word & 0xFF) | (word >> 16 & 0xFF00));
        pairs[1][i] = static_cast<uint16_t>((word >> 8 & 0xFF) | (half & 0xFF) << 8);
        pairs[2][i] = static_cast<uint16_t>((word >> 16 & 0xFF) | (half & 0xFF00));
      }
    }
  }
  for (int c = 0; c < channels && !side_by_side; ++c) {
    const uint8_t* own = source + c * taps.channel;
    const auto read = [&](auto step) {
      for (int i = 0; i < count; ++i) {
        const uint8_t *upper = own + places[i], *lower = upper + row_step;
        above[c][i] = static_cast<uint16_t>(upper[0] | upper[step] << 8);
        below[c][i] = static_cast<uint16_t>(lower[0] | lower[step] << 8);
      }
    };
    if (column_step == 1) {
      read(std::integral_constant<int, 1>());
    } else {
      read(column_step);
    }
    for (int i = count; i < kBlock; ++i) above[c][i] = below[c][i] = 0;
  }
  for (int c = 0; c < channels; ++c) {
    int16_t values[kBlock];
    for (int i = 0; i < kBlock; ++i) {
      const auto left = [](uint16_t pair) { return static_cast<int16_t>((pair & 255) << 7); };
      const auto right = [](uint16_t pair) { return static_cast<int16_t>((pair >> 8) << 7); };
      const int16_t upper = blended(left(above[c][i]), right(above[c][i]), across[i]);
      const int16_t lower = blended(left(below[c][i]), right(below[c][i]), across[i]);
      const int16_t value = blended(upper, lower, down[i]);
      values[i] = fine ? whole_fine(value) : rounded_level(value);
    }
    std::memcpy(to.channel(c), values, static_cast<size_t>(count) * sizeof(int16_t));
  }
}

// ---- Between rows of 1/128

GPUAUG_ALL_VECTORS
void blend_down(Row upper, Row lower, int channels, int16_t weight, Row to, bool fine, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const int16_t* __restrict a = upper.channel(c);
    const int16_t* __restrict b = lower.channel(c);
    int16_t* __restrict out = to.channel(c);
    if (fine) {
      for (int64_t x = 0; x < n; x += kBlock) {
        for (int i = 0; i < kBlock; ++i) out[x + i] = whole_fine(blended(a[x + i], b[x + i], weight));
      }
    } else {
      for (int64_t x = 0; x < n; x += kBlock) {
        for (int i = 0; i < kBlock; ++i) out[x + i] = rounded_level(blended(a[x + i], b[x + i], weight));
      }
    }
  }
}

GPUAUG_ALL_VECTORS
void add_rows(const int16_t* __restrict first, const int16_t* __restrict second, int16_t first_weight,
              int16_t second_weight, int32_t* __restrict sums, int64_t n) {
  for (int64_t x = 0; x < n; x += kBlock) {
    for (int i = 0; i < kBlock; ++i) {
      sums[x + i] += int32_t{first_weight} * first[x + i] + int32_t{second_weight} * second[x + i];
    }
  }
}

GPUAUG_ALL_VECTORS
void filtered_levels(const int32_t* sums, int channels, Row to, bool fine, int64_t n) {
  const int shift = fine ? 7 : 0;
  for (int c = 0; c < channels; ++c) {
    const int32_t* __restrict own = sums + c * n;
    int16_t* __restrict out = to.channel(c);
    for (int64_t x = 0; x < n; x += kBlock) {
      for (int i = 0; i < kBlock; ++i) out[x + i] = static_cast<int16_t>(filtered_down(own[x + i]) << shift);
    }
  }
}

// ---- Blur

GPUAUG_ALL_VECTORS
void blur_across(Row row, int channels, int16_t outer, int16_t inner, Row to, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const int16_t* __restrict in = row.channel(c);
    int16_t* __restrict out = to.channel(c);
    for (int64_t x = 0; x < n; x += kBlock) {
      for (int i = 0; i < kBlock; ++i) {
        const int16_t* at = in + x + i;
        out[x + i] = blurred(at[-2], at[-1], at[0], at[1], at[2], outer, inner);
      }
    }
  }
}

GPUAUG_ALL_VECTORS
void blur_down(const int16_t* const rows[5], int16_t outer, int16_t inner, int16_t* __restrict out, int64_t n) {
  const int16_t* __restrict a = rows[0], * __restrict b = rows[1], * __restrict c = rows[2], * __restrict d = rows[3], * __restrict e = rows[4];
  for (int64_t x = 0; x < n; x += kBlock) {
    for (int i = 0; i < kBlock; ++i) {
      out[x + i] = rounded_level(blurred(a[x + i], b[x + i], c[x + i], d[x + i], e[x + i], outer, inner));
    }
  }
}

GPUAUG_ALL_VECTORS
void article_across_row(Row row, int channels, Row to, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const int16_t* __restrict in = row.channel(c);
    int16_t* __restrict out = to.channel(c);
    for (int64_t x = 0; x < n; x += kBlock) {
      for (int i = 0; i < kBlock; ++i) {
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
  for (int64_t x = 0; x < n; x += kBlock) {
    for (int i = 0; i < kBlock; ++i) {
      const int64_t at = x + i;
      out[at] = static_cast<int16_t>(
          article_down(a[at], b[at], c[at], d[at], e[at], above[at], own[at + 1], below[at], own[at - 1], own[at]));
    }
  }
}

// ---- Colour

GPUAUG_ALL_VECTORS
void colour_levels(const ColourRow* rows, Row levels, int channels, int64_t n) {
  int16_t* __restrict red = levels.channel(0);
  int16_t* __restrict green = levels.channel(1);
  int16_t* __restrict blue = levels.channel(2);
  const ColourRow r = rows[0], g = rows[1], b = rows[2];
  if (channels == 1) {
    const auto weight = r.red + r.green + r.blue;
    for (int64_t x = 0; x < n; ++x) red[x] = static_cast<int16_t>(colour({weight, 0, 0, r.added}, red[x], 0, 0));
  } else if (channels == 2) {
    for (int64_t x = 0; x < n; ++x) {
      const int first = red[x], second = green[x];
      red[x] = static_cast<int16_t>(colour(r, first, second, second));
      green[x] = static_cast<int16_t>(colour(g, first, second, second));
    }
  } else {
    for (int64_t x = 0; x < n; ++x) {
      const int first = red[x], second = green[x], third = blue[x];
      red[x] = static_cast<int16_t>(colour(r, first, second, third));
      green[x] = static_cast<int16_t>(colour(g, first, second, third));
      blue[x] = static_cast<int16_t>(colour(b, first, second, third));
    }
  }
}

// ---- Noise

GPUAUG_ALL_VECTORS
void pixel_bits_at(uint64_t key, int64_t place, int64_t first_block, uint16_t* __restrict bits) {
  constexpr int kLanes = kBlocksAtOnce;
  uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    c0[i] = static_cast<uint32_t>(first_block + i);
    c1[i] = 0;
    c2[i] = static_cast<uint32_t>(place);
    c3[i] = kPixels;
  }
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
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
  for (int64_t x = 0; x < n; x += kBlock) {
    int16_t keep[kBlock], salted[kBlock];
    for (int i = 0; i < kBlock; ++i) {
      keep[i] = bits[x + i] < s || bits[x + i] < p ? int16_t{0} : otherwise_keep;
      salted[i] = bits[x + i] < s ? int16_t{255} : otherwise_salt;
    }
    for (int c = 0; c < channels; ++c) {
      int16_t* __restrict values = levels.channel(c) + x;
      for (int i = 0; i < kBlock; ++i) values[i] = static_cast<int16_t>((values[i] & keep[i]) | salted[i]);
    }
  }
}

// ---- To the output

GPUAUG_ALL_VECTORS
bool is_line(const uint32_t* __restrict table, double slope, double start) {
  uint32_t differs = 0;
  for (int k = 0; k < 256; ++k) {
    differs |= std::bit_cast<uint32_t>(static_cast<float>(slope * k + start)) ^ table[k];
  }
  return differs == 0;
}

GPUAUG_ALL_VECTORS
void compute_floats(const int16_t* __restrict levels, double slope, double start, float* __restrict out, int64_t n) {
  int64_t x = 0;
  for (; x + kBlock <= n; x += kBlock) {
    for (int i = 0; i < kBlock; ++i) out[x + i] = static_cast<float>(slope * levels[x + i] + start);
  }
  for (; x < n; ++x) out[x] = static_cast<float>(slope * levels[x] + start);
}

GPUAUG_ALL_VECTORS
bool is_line(const uint16_t* __restrict table, double slope, double start) {
  int differs = 0;
  for (int k = 0; k < 256; ++k) differs |= bfloat(static_cast<float>(slope * k + start)) ^ table[k];
  return differs == 0;
}

GPUAUG_ALL_VECTORS
void compute_bfloats(const int16_t* __restrict levels, double slope, double start, uint16_t* __restrict out,
                     int64_t n) {
  int64_t x = 0;
  for (; x + kBlock <= n; x += kBlock) {
    for (int i = 0; i < kBlock; ++i) out[x + i] = bfloat(static_cast<float>(slope * levels[x + i] + start));
  }
  for (; x < n; ++x) out[x] = bfloat(static_cast<float>(slope * levels[x] + start));
}

#ifdef __SSE2__
GPUAUG_ALL_VECTORS
void stream_floats(const int16_t* __restrict levels, double slope, double start, float* __restrict out, int64_t n) {
  for (int64_t x = 0; x < n; x += kBlock) {
    alignas(64) float block[kBlock];
    for (int i = 0; i < kBlock; ++i) block[i] = static_cast<float>(slope * levels[x + i] + start);
    for (int i = 0; i < kBlock; i += 4) _mm_stream_ps(out + x + i, _mm_load_ps(block + i));
  }
}

void finish_streaming() { _mm_sfence(); }
#else
void stream_floats(const int16_t* levels, double slope, double start, float* out, int64_t n) {
  compute_floats(levels, slope, start, out, n);
}

void finish_streaming() {}
#endif

GPUAUG_ALL_VECTORS
void to_bytes(const int16_t* __restrict levels, uint8_t* __restrict out, int64_t n) {
  int64_t x = 0;
  for (; x + kBlock <= n; x += kBlock) {
    for (int i = 0; i < kBlock; ++i) out[x + i] = static_cast<uint8_t>(levels[x + i]);
  }
  for (; x < n; ++x) out[x] = static_cast<uint8_t>(levels[x]);
}

GPUAUG_ALL_VECTORS
void interleave(const uint8_t* lines, int64_t line, int channels, uint8_t* out, int64_t n) {
  interleave_lines(lines, line, channels, out, n);
}

GPUAUG_ALL_VECTORS
void interleave(const uint16_t* lines, int64_t line, int channels, uint16_t* out, int64_t n) {
  interleave_lines(lines, line, channels, out, n);
}

GPUAUG_ALL_VECTORS
void interleave(const uint32_t* lines, int64_t line, int channels, uint32_t* out, int64_t n) {
  interleave_lines(lines, line, channels, out, n);
}

}  // namespace gpuaug
