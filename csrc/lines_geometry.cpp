// The loops of geometry: from source rows to rows of levels.
#include <cstring>
#include <type_traits>

#include "lanes.h"
#include "lines.h"
#include "stages.h"

namespace gpuaug {
namespace {

inline int16_t blended(int16_t first, int16_t second, int16_t weight) {
  return sum(first, rounded_product(difference(second, first), weight));
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

}  // namespace gpuaug
