// The part of the source that a warped draw reads, repacked: with a frame of border pixels around the window, so that
// no pixel needs a bounds check, and with all channels of two neighbours in one read.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/borders.h"
#include "common/stages/geometry.h"
#include "cpu/row_kernels.h"

namespace gpuaug {

class PaddedSource {
 public:
  // For output rows [begin, end), with a map whose coordinates do not wrap. False if too much would be packed for the
  // pixels that are read; these are then better read in place.
  bool prepare(const Batch& batch, const Recipe& recipe, const Window& window, int64_t begin, int64_t end) {
    constexpr int64_t kSparse = 8;               // source pixels for each output pixel
    constexpr int64_t kMost = int64_t{1} << 27;  // packed pixels
    const Sampling sampling = sampling_of(recipe);
    const auto ends = [&](int64_t along, int64_t down, int64_t start, int64_t low, int64_t high) {
      const int64_t across = along * (batch.width - 1), first = down * begin + start, last = down * (end - 1) + start;
      const int64_t least = tap(sampling, std::min(first, last) + std::min<int64_t>(across, 0)).index;
      const int64_t most = tap(sampling, std::max(first, last) + std::max<int64_t>(across, 0)).index;
      if (recipe.border == kReflect) return Ends{least, most};
      return Ends{clamp(least, low - 2, high), clamp(most, low - 2, high)};  // beyond that, all pixels are equal
    };
    columns_ = ends(recipe.xx, recipe.xy, recipe.x1, window.left, window.right);
    rows_ = ends(recipe.yx, recipe.yy, recipe.y1, window.top, window.bottom);
    width_ = columns_.last - columns_.first + 2;
    const int64_t height = rows_.last - rows_.first + 2;
    const int64_t most = std::min(kMost, kSparse * batch.width * (end - begin));
    if (width_ > most || height > most || width_ * height > most) return false;
    channels_ = batch.channels;
    const auto values = static_cast<size_t>(width_ * height * words());
    if (pixels_.size() < values) pixels_.resize(values);
    return true;
  }

  // Packs the rows of the source that `source_row` returns.
  template <typename SourceRows>
  void pack(const Window& window, const Recipe& recipe, const SourceRows& source_row) {
    const int64_t border = recipe.border;
    uint8_t outside[4];
    for (int c = 0; c < 4; ++c) outside[c] = static_cast<uint8_t>(outside_level(recipe, c));
    const auto fill = [&](uint16_t* to, int64_t count) {
      for (int64_t x = 0; x < count; ++x) pack_pixels({outside, 1}, channels_, to + x * words(), 1);
    };
    const int64_t end = columns_.last + 2;
    const int64_t own_begin = clamp(window.left, columns_.first, end), own_end = clamp(window.right, own_begin, end);
    uint16_t* out = pixels_.data();
    for (int64_t y = rows_.first; y < rows_.last + 2; ++y, out += width_ * words()) {
      const int64_t at = resolve(y, window.top, window.bottom, border);
      if (at < 0) {
        fill(out, width_);
        continue;
      }
      const SourceRow row = source_row(at);
      const auto take = [&](int64_t x, int64_t from, int64_t count) {
        uint16_t* to = out + (x - columns_.first) * words();
        if (from < 0) {
          fill(to, count);
        } else {
          pack_pixels({row.bytes + from, row.line}, channels_, to, count);
        }
      };
      const auto frame = [&](int64_t begin, int64_t end) {
        for (int64_t x = begin; x < end; ++x) take(x, resolve(x, window.left, window.right, border), 1);
      };
      frame(columns_.first, own_begin);
      if (own_begin < own_end) take(own_begin, own_begin, own_end - own_begin);
      frame(own_end, end);
    }
  }

  const uint16_t* pixels() const { return pixels_.data(); }

  Reach reach() const {
    const auto narrow = [](int64_t value) { return static_cast<int32_t>(value); };
    return {narrow(columns_.first), narrow(rows_.first), narrow(columns_.last),
            narrow(rows_.last),     narrow(words()),     narrow(width_ * words())};
  }

 private:
  struct Ends {
    int64_t first, last;
  };

  int64_t words() const { return packed_words(channels_); }

  int channels_ = 1;
  Ends columns_{}, rows_{};  // the ranges of the first of four pixels
  int64_t width_ = 0;
  std::vector<uint16_t> pixels_;
};

}  // namespace gpuaug
