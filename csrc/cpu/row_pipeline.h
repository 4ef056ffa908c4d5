// The CPU's kernel: it makes rows of one draw, a row at a time through all stages, so that the row stays in the cache.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/borders.h"
#include "common/stages/blur.h"
#include "common/stages/geometry.h"
#include "cpu/resample_axis.h"
#include "cpu/row_kernels.h"
#include "cpu/scratch.h"
#include "cpu/stage_rows.h"
#include "cpu/warp.h"

namespace gpuaug {

class RowPipeline {
 public:
  // pointwise: the bits of the pointwise stages to run.
  RowPipeline(const Batch& batch, int64_t n, Scratch& scratch, AxisResampler& across,
              int64_t pointwise = PointwiseStages::kBits)
      : batch_(batch),
        recipe_(batch.recipes[n]),
        scratch_(scratch),
        across_(across),
        source_(batch.storage + recipe_.offset),
        from_(source_strides(batch, recipe_)),
        window_(readable_window(recipe_)),
        warp_(batch, recipe_, window_, from_, scratch.padded_source),
        width_(batch.width),
        line_(padded(batch.width)),
        blurs_(recipe_.stages & kBlur),
        article_(recipe_.blur == kArticle),
        sharpens_(recipe_.blur == kSharpen),
        blur_weights_(blur_weights(recipe_)),
        shrinks_down_(shrinks(recipe_, recipe_.yy)),
        stages_(batch, recipe_, scratch, pointwise) {}

  // Calls output.write(y, levels) for each row.
  template <typename Output>
  void run(int64_t begin, int64_t end, Output& output) {
    if (moves() && along_axes()) across_.prepare(recipe_, window_, width_);
    if (moves() && !along_axes()) prepare_warp(begin, end);
    if (shrinks_down_) prepare_ring();
    int64_t made = blurs_ ? std::max<int64_t>(begin - 2, 0) : begin;  // rows before this one have passed the geometry
    for (int64_t y = begin; y < end; ++y) {
      for (const int64_t last = blurs_ ? std::min(y + 2, batch_.height - 1) : y; made <= last; ++made) {
        geometry_row(made);
        if (blurs_) blur_row_across(made);
      }
      if (blurs_) blur_row_down(y);
      stages_.run(y, scratch_.levels());
      output.write(y, scratch_.levels());
    }
  }

 private:
  bool moves() const { return recipe_.stages & kGeometry; }
  bool along_axes() const { return recipe_.xy == 0 && recipe_.yx == 0 && !(recipe_.stages & kPerspective); }

  // ---- Geometry: one row of every channel, written to where the next stage reads it.

  Row geometry_result(int64_t y) const { return blurs_ ? scratch_.image(y) : scratch_.levels(); }

  void geometry_row(int64_t y) {
    if (!moves()) {
      copy_row(y);
    } else if (shrinks_down_) {
      shrink_row(y);
    } else if (along_axes()) {
      resample_row(y);
    } else {
      warp_row(y);
    }
  }

  // The channels of a source row, separated.
  SourceRow source_row(int64_t y) const {
    const uint8_t* row = source_ + y * from_.row;
    if (const int64_t next = y + (recipe_.yy < 0 ? -2 : 2); next >= window_.top && next < window_.bottom) {
      prefetch_row(next);
    }
    if (from_.column == 1) return {row, from_.channel};
    deinterleave(row, batch_.channels, recipe_.width, scratch_.source(), scratch_.source_line());
    return {scratch_.source(), scratch_.source_line()};
  }

  // The first access would stall, as memory is slow, and rows are too short for the hardware's prefetching.
  void prefetch_row(int64_t y) const {
#ifdef __GNUC__
    const uint8_t* row = source_ + y * from_.row;
    const int64_t planes = from_.column == 1 ? batch_.channels : 1;
    for (int64_t c = 0; c < planes; ++c) {
      const int64_t begin = window_.left * from_.column, end = window_.right * from_.column;
      for (int64_t at = begin; at < end; at += kCacheLine) __builtin_prefetch(row + c * from_.channel + at);
    }
#endif
  }

  void copy_row(int64_t y) const {
    take_bytes(source_row(std::min(y, recipe_.height - 1)), batch_.channels, std::min(width_, recipe_.width),
               geometry_result(y), line_);
  }

  // Along the axes: source rows are blended across once, and kept while they are needed.

  void take_across(int64_t y, Row out) const {
    if (y < 0) {
      for (int c = 0; c < batch_.channels; ++c) {
        std::fill_n(out.channel(c), line_, static_cast<int16_t>(fine(outside_level(recipe_, c))));
      }
    } else {
      across_.across(source_row(y), batch_.channels, out);
    }
  }

  void resample_row(int64_t y) {
    const Tap t = tap(sampling_of(recipe_), source_coordinate(0, 0, recipe_.yy, y, recipe_.y1));
    const int64_t a = resolve(t.index, window_.top, window_.bottom, recipe_.border);
    if (t.weight == 0 && a >= 0 && across_.whole()) {
      across_.take(source_row(a), batch_.channels, geometry_result(y));
      return;
    }
    const int64_t b = t.weight ? resolve(t.index + 1, window_.top, window_.bottom, recipe_.border) : a;
    if (a != upper_ && (a == lower_ || b == upper_)) {
      scratch_.swap_source_rows();
      std::swap(upper_, lower_);
    }
    if (a != upper_) take_across(upper_ = a, scratch_.upper());
    if (b != lower_ && b != a) take_across(lower_ = b, scratch_.lower());
    blend_down(scratch_.upper(), b == a ? scratch_.upper() : scratch_.lower(), batch_.channels,
               static_cast<int16_t>(t.weight << 4), geometry_result(y), line_);
  }

  // Shrinking: the same rows, filtered.

  // The ring holds as many rows as a filter can span, so that those of the next output row are still there.
  void prepare_ring() {
    const int64_t span = 2 * (filter_reach(recipe_.yy) >> 32) + 3;
    const auto places = static_cast<size_t>(std::min(span, window_.bottom - window_.top));
    scratch_.ring_rows.assign(places, -1);
    scratch_.ring.resize(places * static_cast<size_t>(batch_.channels * line_));
    scratch_.sums.resize(static_cast<size_t>(batch_.channels * line_));
  }

  const int16_t* ring_row(int64_t y) const {
    const auto place = static_cast<size_t>(y) % scratch_.ring_rows.size();
    int16_t* rows = scratch_.ring.data() + place * static_cast<size_t>(batch_.channels * line_);
    if (scratch_.ring_rows[place] != y) {
      take_across(y, {rows, line_});
      scratch_.ring_rows[place] = y;
    }
    return rows;
  }

  void shrink_row(int64_t y) const {
    const int64_t centre = source_coordinate(0, 0, recipe_.yy, y, recipe_.y1);
    if (shows_beyond(centre, window_.top, window_.bottom, recipe_.border)) {
      const Row out = geometry_result(y);
      for (int c = 0; c < batch_.channels; ++c) {
        std::fill_n(out.channel(c), line_, static_cast<int16_t>(outside_level(recipe_, c)));
      }
      return;
    }
    const Filter filter = filter_at(centre, recipe_.yy, window_.top, window_.bottom);
    const int64_t values = batch_.channels * line_;
    int32_t* sums = scratch_.sums.data();
    std::fill_n(sums, values, 0);
    FilterWalk walk;
    for (int64_t i = 0; i < filter.count; i += 2) {
      const int16_t* first = ring_row(filter.first + i);
      const auto weight = static_cast<int16_t>(walk.next(filter, i));
      const bool pair = i + 1 < filter.count;
      const auto second_weight = static_cast<int16_t>(pair ? walk.next(filter, i + 1) : 0);
      add_rows(first, pair ? ring_row(filter.first + i + 1) : first, weight, second_weight, sums, values);
    }
    filtered_levels(sums, batch_.channels, geometry_result(y), line_);
  }

  // In general: every pixel is blended from four source pixels.

  void prepare_warp(int64_t begin, int64_t end) {
    const int64_t more = blurs_ ? 2 : 0;
    warp_.prepare(std::max<int64_t>(begin - more, 0), std::min(end + more, batch_.height),
                  [this](int64_t y) { return source_row(y); });
  }

  void warp_row(int64_t y) const { warp_.row(source_, y, geometry_result(y)); }

  // ---- Blur: across when a row is made, then down the rows of the ring.

  void blur_row_across(int64_t y) const {
    const Row row = scratch_.image(y);
    for (const int64_t x : {int64_t{-2}, int64_t{-1}, width_, width_ + 1}) {
      const int64_t at = resolve(x, 0, width_, blur_border(recipe_));
      for (int c = 0; c < batch_.channels; ++c) row.channel(c)[x] = at < 0 ? int16_t{0} : row.channel(c)[at];
    }
    if (sharpens_) {
      sharpen_across_row(row, colored(batch_.channels), scratch_.across(y), line_);
    } else if (article_) {
      article_across_row(row, batch_.channels, scratch_.across(y), line_);
    } else {
      blur_across(row, batch_.channels, blur_weights_, scratch_.across(y), line_);
    }
  }

  void blur_row_down(int64_t y) const {
    if (sharpens_) return sharpen_row_down(y);
    const int16_t* rows[5];
    for (int64_t k = -2; k <= 2; ++k) {
      const int64_t at = resolve(y + k, 0, batch_.height, blur_border(recipe_));
      rows[k + 2] = (at < 0 ? scratch_.zeros() : scratch_.across(at)).values;
    }
    const Row levels = scratch_.levels();
    if (!article_) {
      blur_down(rows, blur_weights_, levels.values, batch_.channels * line_);
      return;
    }
    for (int c = 0; c < batch_.channels; ++c) {
      const int16_t *own[5], *image[3];
      for (int k = 0; k < 5; ++k) own[k] = rows[k] + c * line_;
      for (int64_t k = -1; k <= 1; ++k) {
        const bool inside = y + k >= 0 && y + k < batch_.height;
        image[k + 1] = inside ? scratch_.image(y + k).channel(c) : scratch_.zeros().values;
      }
      article_down_row(own, image, levels.channel(c), line_);
    }
  }

  // Pixels at the border and alpha stay as they are.
  void sharpen_row_down(int64_t y) const {
    const Row image = scratch_.image(y), levels = scratch_.levels();
    const bool inside = y > 0 && y < batch_.height - 1;
    for (int c = 0; c < batch_.channels; ++c) {
      const int16_t* own = image.channel(c);
      int16_t* out = levels.channel(c);
      if (!inside || c >= colored(batch_.channels)) {
        std::copy_n(own, line_, out);
        continue;
      }
      const int16_t* sums[3];
      for (int64_t k = -1; k <= 1; ++k) sums[k + 1] = scratch_.across(y + k).channel(c);
      sharpen_down_row(sums, own, sharpen_factor(recipe_), out, line_);
      out[0] = own[0], out[width_ - 1] = own[width_ - 1];
    }
  }

  static constexpr int64_t kCacheLine = 64;

  const Batch& batch_;
  const Recipe& recipe_;
  Scratch& scratch_;
  AxisResampler& across_;
  const uint8_t* source_;
  Strides from_;
  Window window_;
  Warp warp_;
  int64_t width_, line_;
  bool blurs_, article_, sharpens_;
  BlurWeights blur_weights_;
  bool shrinks_down_;
  StageRows<PointwiseStages> stages_;
  int64_t upper_ = -2, lower_ = -2;  // the source rows in `upper` and `lower`; -1: the zero border
};

}  // namespace gpuaug
