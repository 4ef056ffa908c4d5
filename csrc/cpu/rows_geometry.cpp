// The loops of geometry: from source rows to rows of levels.
#include <cstring>

#include "common/stages/geometry.h"
#include "cpu/row_kernels.h"
#include "host/simd.h"

namespace gpuaug {
namespace {

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
                   const int16_t* __restrict weights, const uint8_t* __restrict outside, Row to, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const uint8_t* row = from.bytes + c * from.line;
    int16_t* __restrict out = to.channel(c);
    const int nowhere = outside[c];
    for (int64_t x = 0; x < n; ++x) {
      const int a = first[x] < 0 ? nowhere : row[first[x]], b = second[x] < 0 ? nowhere : row[second[x]];
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
void take_bytes(SourceRow from, int channels, int64_t own, Row to, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const uint8_t* __restrict in = from.bytes + c * from.line;
    int16_t* __restrict out = to.channel(c);
    int64_t x = 0;
    for (; x + kRowBlock <= own; x += kRowBlock) {
      for (int i = 0; i < kRowBlock; ++i) out[x + i] = in[x + i];
    }
    for (; x < own; ++x) out[x] = in[x];
    for (; x < n; ++x) out[x] = out[own - 1];
  }
}

// ---- Blends of rows in 1/128

GPUAUG_ALL_VECTORS
void blend_down(Row upper, Row lower, int channels, int16_t weight, Row to, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const int16_t* __restrict a = upper.channel(c);
    const int16_t* __restrict b = lower.channel(c);
    int16_t* __restrict out = to.channel(c);
    for (int64_t x = 0; x < n; x += kRowBlock) {
      for (int i = 0; i < kRowBlock; ++i) out[x + i] = rounded_level(blended(a[x + i], b[x + i], weight));
    }
  }
}

GPUAUG_ALL_VECTORS
void add_rows(const int16_t* __restrict first, const int16_t* __restrict second, int16_t first_weight,
              int16_t second_weight, int32_t* __restrict sums, int64_t n) {
  for (int64_t x = 0; x < n; x += kRowBlock) {
    for (int i = 0; i < kRowBlock; ++i) {
      sums[x + i] += int32_t{first_weight} * first[x + i] + int32_t{second_weight} * second[x + i];
    }
  }
}

GPUAUG_ALL_VECTORS
void filtered_levels(const int32_t* sums, int channels, Row to, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const int32_t* __restrict own = sums + c * n;
    int16_t* __restrict out = to.channel(c);
    for (int64_t x = 0; x < n; x += kRowBlock) {
      for (int i = 0; i < kRowBlock; ++i) out[x + i] = static_cast<int16_t>(filtered_down(own[x + i]));
    }
  }
}

}  // namespace gpuaug
