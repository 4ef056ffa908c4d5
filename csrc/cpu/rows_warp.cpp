// The loops of maps that do not run along the axes: every pixel is blended from four source pixels.
#include <cstring>
#include <type_traits>

#include "cpu/row_kernels.h"
#include "host/simd.h"

// Inlined into each function that calls it, to be compiled for the same vectors.
#define GPUAUG_INLINE [[gnu::always_inline]] inline

namespace gpuaug {
namespace {

GPUAUG_INLINE int32_t held(int32_t value, int32_t least, int32_t most) {
  value = value < least ? least : value;
  return value > most ? most : value;
}

// For the pixels of a block: the place of the first of the four, and the weights of the right and the lower ones.
struct Places {
  int32_t first[kRowBlock];
  int16_t across[kRowBlock], down[kRowBlock];  // in 1/2^15
};

GPUAUG_INLINE void place(const WarpRow& row, const Reach& reach, int64_t block, Places& out) {
  // Unsigned, so that pixels beyond the row may wrap.
  const uint64_t x = static_cast<uint64_t>(row.x) + static_cast<uint64_t>(row.x_step) * static_cast<uint64_t>(block);
  const uint64_t y = static_cast<uint64_t>(row.y) + static_cast<uint64_t>(row.y_step) * static_cast<uint64_t>(block);
  const auto x_low = static_cast<uint32_t>(x), x_high = static_cast<uint32_t>(x >> 32);
  const auto y_low = static_cast<uint32_t>(y), y_high = static_cast<uint32_t>(y >> 32);
  const WarpSteps& steps = *row.steps;
  for (int i = 0; i < kRowBlock; ++i) {  // 64-bit sums in two halves
    const uint32_t x_part = x_low + steps.x_low[i], y_part = y_low + steps.y_low[i];
    const auto column = static_cast<int32_t>(x_high + steps.x_high[i] + (x_part < x_low));
    const auto line = static_cast<int32_t>(y_high + steps.y_high[i] + (y_part < y_low));
    out.first[i] = (held(line, reach.top, reach.bottom) - reach.top) * reach.row +
                   (held(column, reach.left, reach.right) - reach.left) * reach.column;
    out.across[i] = static_cast<int16_t>((x_part >> 17) & row.weights);
    out.down[i] = static_cast<int16_t>((y_part >> 17) & row.weights);
  }
}

GPUAUG_INLINE int16_t between(int above_left, int above_right, int below_left, int below_right, int16_t across,
                              int16_t down) {
  const auto fine = [](int level) { return static_cast<int16_t>(level << 7); };
  const int16_t above = blended(fine(above_left), fine(above_right), across);
  const int16_t below = blended(fine(below_left), fine(below_right), across);
  return rounded_level(blended(above, below, down));
}

template <int kChannels>
GPUAUG_INLINE void pack(SourceRow from, uint16_t* __restrict out, int64_t begin, int64_t end) {
  constexpr int kWords = packed_words(kChannels);
  for (int64_t x = begin; x < end; ++x) {
    for (int k = 0; k < kWords; ++k) {
      const uint8_t* own = from.bytes + 2 * k * from.line + x;
      const int second = 2 * k + 1 < kChannels ? own[from.line] << 8 : 0;
      out[kWords * x + k] = static_cast<uint16_t>(own[0] | second);
    }
  }
}

template <int kChannels>
GPUAUG_INLINE void pack(SourceRow from, uint16_t* __restrict out, int64_t n) {
  constexpr int kFew = 8;  // narrow images have nothing but a remainder
  int64_t x = 0;
  for (; x + kRowBlock <= n; x += kRowBlock) pack<kChannels>(from, out, x, x + kRowBlock);
  for (; x + kFew <= n; x += kFew) pack<kChannels>(from, out, x, x + kFew);
  pack<kChannels>(from, out, x, n);
}

}  // namespace

GPUAUG_ALL_VECTORS
void pack_pixels(SourceRow from, int channels, uint16_t* out, int64_t n) {
  if (channels == 1) {
    pack<1>(from, out, n);
  } else if (channels == 2) {
    pack<2>(from, out, n);
  } else if (channels == 3) {
    pack<3>(from, out, n);
  } else {
    pack<4>(from, out, n);
  }
}

GPUAUG_ALL_VECTORS
void blend_packed(const uint16_t* pixels, const Reach& reach, const WarpRow& row, int channels, Row to, int64_t n) {
  constexpr int kChunk = 8;  // blocks; small writes are read as large ones only much later
  Places places[kChunk];
  uint16_t words[2][kChunk][4 * kRowBlock];  // the upper and lower pixel, each with its right neighbour
  const bool two = channels > 2;             // two words to a pixel
  for (int64_t begin = 0; begin < n; begin += kChunk * kRowBlock) {
    const auto blocks = static_cast<int>((n - begin < kChunk * kRowBlock ? n - begin : kChunk * kRowBlock) / kRowBlock);
    for (int b = 0; b < blocks; ++b) place(row, reach, begin + b * kRowBlock, places[b]);
    const auto fetch = [&](auto count) {
      for (int b = 0; b < blocks; ++b) {
        for (int i = 0; i < kRowBlock; ++i) {
          const uint16_t* first = pixels + places[b].first[i];
          std::memcpy(words[0][b] + count * i, first, count * sizeof(uint16_t));
          std::memcpy(words[1][b] + count * i, first + reach.row, count * sizeof(uint16_t));
        }
      }
    };
    if (two) {
      fetch(std::integral_constant<int, 4>());
    } else {
      fetch(std::integral_constant<int, 2>());
    }
    for (int b = 0; b < blocks; ++b) {
      const uint16_t *above = words[0][b], *below = words[1][b];
      uint16_t apart[2][4][kRowBlock];  // the first word of the left and right neighbour, then the second
      for (int i = 0; i < kRowBlock && two; ++i) {
        for (int k = 0; k < 4; ++k) apart[0][k][i] = above[4 * i + k];
      }
      for (int i = 0; i < kRowBlock && two; ++i) {
        for (int k = 0; k < 4; ++k) apart[1][k][i] = below[4 * i + k];
      }
      for (int i = 0; i < kRowBlock && !two; ++i) {
        for (int k = 0; k < 2; ++k) apart[0][2 * k][i] = above[2 * i + k], apart[1][2 * k][i] = below[2 * i + k];
      }
      for (int c = 0; c < channels; ++c) {
        int16_t* __restrict out = to.channel(c) + begin + b * kRowBlock;
        const int word = c / 2, shift = c % 2 * 8;
        for (int i = 0; i < kRowBlock; ++i) {
          const auto level = [&](int line, int side) { return apart[line][2 * side + word][i] >> shift & 255; };
          out[i] = between(level(0, 0), level(0, 1), level(1, 0), level(1, 1), places[b].across[i], places[b].down[i]);
        }
      }
    }
  }
}

GPUAUG_ALL_VECTORS
void blend_unpacked(const uint8_t* source, int64_t channel_step, const Reach& reach, const WarpRow& row, int channels,
                    Row to, int64_t begin, int64_t end) {
  for (int64_t x = begin / kRowBlock * kRowBlock; x < end; x += kRowBlock) {
    Places places;
    place(row, reach, x, places);
    // For each channel, a pixel and its right neighbour. All are read before the first is used, as a large read just
    // after small writes stalls.
    uint16_t above[4][kRowBlock], below[4][kRowBlock];
    for (int c = 0; c < channels; ++c) {
      const uint8_t* own = source + c * channel_step;
      const auto read = [&](auto step) {
        for (int i = 0; i < kRowBlock; ++i) {
          const uint8_t *upper = own + places.first[i], *lower = upper + reach.row;
          above[c][i] = static_cast<uint16_t>(upper[0] | upper[step] << 8);
          below[c][i] = static_cast<uint16_t>(lower[0] | lower[step] << 8);
        }
      };
      if (reach.column == 1) {
        read(std::integral_constant<int, 1>());
      } else {
        read(reach.column);
      }
    }
    for (int c = 0; c < channels; ++c) {
      int16_t* __restrict out = to.channel(c) + x;
      for (int i = 0; i < kRowBlock; ++i) {
        const uint16_t upper = above[c][i], lower = below[c][i];
        out[i] = between(upper & 255, upper >> 8, lower & 255, lower >> 8, places.across[i], places.down[i]);
      }
    }
  }
}

}  // namespace gpuaug
