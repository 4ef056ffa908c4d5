// The rows of one draw whose map does not run along the axes, such as a rotation or a shear. The part of the source
// that it reads is packed first. If that would be too much for the pixels that are read, they are read in place: from
// where a row enters the window to where it leaves it; pixels outside find their four source pixels one by one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/stages/geometry.h"
#include "cpu/padded_source.h"
#include "cpu/row_kernels.h"

namespace gpuaug {

struct Span {
  int64_t begin, end;
};

// The range of x in [0, width) with low <= start + step * x < high.
inline Span span_within(int64_t start, int64_t step, int64_t low, int64_t high, int64_t width) {
  if (step == 0) return start >= low && start < high ? Span{0, width} : Span{0, 0};
  if (step < 0) return span_within(-start, -step, 1 - high, 1 - low, width);
  const auto first_at = [&](int64_t value) {  // the first x that reaches the value
    return value <= start ? 0 : std::min((value - start - 1) / step + 1, width);
  };
  return {first_at(low), first_at(high)};
}

class Warp {
 public:
  Warp(const Batch& batch, const Recipe& recipe, const Window& window, Strides from, PaddedSource& padded_source)
      : batch_(batch),
        recipe_(recipe),
        window_(window),
        from_(from),
        channels_(batch.channels),
        sampling_(sampling_of(recipe)),
        width_(batch.width),
        padded_source_(padded_source) {}

  // To be called before output rows [begin, end); `source_row` returns a row of the source.
  template <typename SourceRows>
  void prepare(int64_t begin, int64_t end, const SourceRows& source_row) {
    constexpr int64_t kSteep = int64_t{1} << 40, kFar = int64_t{1} << 61, kLong = int64_t{1} << 20;
    const auto within = [](int64_t value, int64_t limit) { return value > -limit && value < limit; };
    const Recipe& r = recipe_;
    // No coordinate wraps, and 32 bits hold the place of a pixel.
    tame_ = !(r.stages & kPerspective) && within(r.xx, kSteep) && within(r.xy, kSteep) && within(r.yx, kSteep) &&
            within(r.yy, kSteep) && within(r.x1, kFar) && within(r.y1, kFar) && width_ <= kLong &&
            batch_.height <= kLong && r.width <= kLong && r.height <= kLong && r.width * r.height < (int64_t{1} << 28);
    if (!tame_) return;
    for (int i = 0; i < kRowBlock; ++i) {
      const auto x = static_cast<uint64_t>(r.xx * i), y = static_cast<uint64_t>(r.yx * i);
      steps_.x_low[i] = static_cast<uint32_t>(x), steps_.x_high[i] = static_cast<uint32_t>(x >> 32);
      steps_.y_low[i] = static_cast<uint32_t>(y), steps_.y_high[i] = static_cast<uint32_t>(y >> 32);
    }
    packed_ = padded_source_.prepare(batch_, recipe_, window_, begin, end);
    if (packed_) padded_source_.pack(window_, recipe_, source_row);
  }

  // Makes all channels of output row y, in whole blocks of levels.
  void row(const uint8_t* source, int64_t y, Row out) const {
    if (packed_) {
      blend_packed(padded_source_.pixels(), padded_source_.reach(), warp_row_at(y), channels_, out, padded(width_));
      return;
    }
    Span inside{0, 0}, touched{0, width_};
    if (tame_) {
      inside = spans(y, 0, -1);
      if (recipe_.border == kZero) touched = spans(y, -1, 0);
      if (inside.begin < inside.end) blend_inside(source, y, inside, out);
    }
    touched.end = std::max(touched.begin, touched.end);
    if (inside.begin >= inside.end) inside = {touched.end, touched.end};
    fill(out, 0, std::min(touched.begin, inside.begin));
    one_by_one(source, y, touched.begin, inside.begin, out);
    one_by_one(source, y, inside.end, touched.end, out);
    fill(out, std::max(touched.end, inside.end), padded(width_));
  }

 private:
  // Coordinates, already rounded as in tap().
  int64_t x_at(int64_t x, int64_t y) const { return recipe_.xx * x + recipe_.xy * y + recipe_.x1 + sampling_.half; }
  int64_t y_at(int64_t x, int64_t y) const { return recipe_.yx * x + recipe_.yy * y + recipe_.y1 + sampling_.half; }

  WarpRow warp_row_at(int64_t y) const {
    const auto weights = static_cast<uint32_t>(sampling_.weights) << 4;
    return {x_at(0, y), y_at(0, y), recipe_.xx, recipe_.yx, weights, &steps_};
  }

  // The pixels of a row whose first taps are inside the window, with its two ends moved by the given amounts.
  Span spans(int64_t y, int64_t before, int64_t after) const {
    const auto one = [&](int64_t start, int64_t step, int64_t low, int64_t high) {
      return span_within(start, step, (low + before) * kPixel, (high + after) * kPixel, width_);
    };
    const Span a = one(x_at(0, y), recipe_.xx, window_.left, window_.right);
    const Span b = one(y_at(0, y), recipe_.yx, window_.top, window_.bottom);
    return {std::max(a.begin, b.begin), std::min(a.end, b.end)};
  }

  void blend_inside(const uint8_t* source, int64_t y, Span inside, Row out) const {
    const auto narrow = [](int64_t value) { return static_cast<int32_t>(value); };
    const Reach reach{narrow(window_.left),       narrow(window_.top),  narrow(window_.right - 2),
                      narrow(window_.bottom - 2), narrow(from_.column), narrow(from_.row)};
    const uint8_t* first = source + window_.top * from_.row + window_.left * from_.column;
    blend_unpacked(first, from_.channel, reach, warp_row_at(y), channels_, out, inside.begin, inside.end);
  }

  void fill(Row out, int64_t begin, int64_t end) const {
    for (int c = 0; c < channels_ && begin < end; ++c) {
      std::fill(out.channel(c) + begin, out.channel(c) + end, static_cast<int16_t>(outside_level(recipe_, c)));
    }
  }

  void one_by_one(const uint8_t* source, int64_t y, int64_t begin, int64_t end, Row out) const {
    for (int64_t x = begin; x < end; ++x) {
      const Corners at = corners(recipe_, window_, x, y);
      const int64_t upper = at.upper * from_.row, lower = at.lower * from_.row;
      const int64_t left = at.left * from_.column, right = at.right * from_.column;
      for (int c = 0; c < channels_; ++c) {
        const uint8_t* own = source + c * from_.channel;
        const int outside = outside_level(recipe_, c);
        const auto pixel = [&](bool nowhere, int64_t place) { return fine(nowhere ? outside : own[place]); };
        const int above = blend(pixel(at.left < 0 || at.upper < 0, upper + left),
                                pixel(at.right < 0 || at.upper < 0, upper + right), at.across);
        const int below = blend(pixel(at.left < 0 || at.lower < 0, lower + left),
                                pixel(at.right < 0 || at.lower < 0, lower + right), at.across);
        out.channel(c)[x] = static_cast<int16_t>(level(blend(above, below, at.down)));
      }
    }
  }

  static constexpr int64_t kPixel = int64_t{1} << 32;

  const Batch& batch_;
  const Recipe& recipe_;
  const Window& window_;
  Strides from_;
  int channels_;
  Sampling sampling_;
  int64_t width_;
  PaddedSource& padded_source_;
  bool tame_ = false, packed_ = false;
  WarpSteps steps_;
};

}  // namespace gpuaug
