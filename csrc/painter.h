// The CPU's kernel: paints some rows of one draw, a row at a time through all stages, so that a row never leaves the
// cache in between.
#pragma once

#include <algorithm>
#include <cstdint>

#include "batch.h"
#include "lines.h"
#include "scratch.h"
#include "stages.h"

namespace gpuaug {

class Painter {
 public:
  Painter(const Batch& batch, int64_t n, Scratch& scratch)
      : batch_(batch),
        recipe_(batch.recipes[n]),
        scratch_(scratch),
        source_(batch.storage + recipe_.offset),
        from_(source_strides(batch, recipe_)),
        window_(readable_window(recipe_)),
        n_(n),
        width_(batch.width),
        blurs_(recipe_.stages & kBlur),
        article_(recipe_.blur == kArticle),
        shrinks_across_(shrinks(recipe_, recipe_.xx)),
        shrinks_down_(shrinks(recipe_, recipe_.yy)) {}

  template <typename Value>
  void paint(int64_t begin, int64_t end) {
    if (moves() && along_axes()) plan_columns();
    if (shrinks_down_) plan_ring();
    int64_t made =
        blurs_ ? std::max<int64_t>(begin - 2, 0) : begin;  // rows before this one have been through the geometry
    for (int64_t y = begin; y < end; ++y) {
      for (const int64_t last = blurs_ ? std::min(y + 2, batch_.height - 1) : y; made <= last; ++made)
        geometry_row(made);
      if (blurs_) blur_row(y);
      if (recipe_.stages & kNoise) noise_row(y);
      for (int c = 0; c < batch_.channels; ++c) write_row<Value>(c, y);
    }
  }

 private:
  bool moves() const { return recipe_.stages & kGeometry; }
  bool along_axes() const { return recipe_.xy == 0 && recipe_.yx == 0; }
  uint8_t* result(int c) const { return blurs_ ? scratch_.blurred(c) : scratch_.levels(c); }

  // ---- Geometry: one row of every channel into `levels`, and, for the blur, its blend across into the ring.

  void geometry_row(int64_t y) {
    if (!moves()) {
      for (int c = 0; c < batch_.channels; ++c) copy_row(c, y);
    } else if (shrinks_down_) {
      shrink_row(y);
    } else if (along_axes()) {
      resample_row(y);
    } else {
      for (int c = 0; c < batch_.channels; ++c) resample_pixels(c, y);
    }
    if (!blurs_) return;
    for (int c = 0; c < batch_.channels; ++c) {
      int16_t* row = scratch_.image(c, y) + 2;
      to_fine(scratch_.levels(c), row, width_);
      for (const int64_t x : {int64_t{-2}, int64_t{-1}, width_, width_ + 1}) {
        const int64_t at = resolve(x, 0, width_, blur_border(recipe_));
        row[x] = at < 0 ? int16_t{0} : row[at];
      }
      if (article_) {
        for (int64_t x = 0; x < width_; ++x) {
          const int16_t* p = row + x - 2;
          scratch_.across(c, y)[x] =
              static_cast<int16_t>(article_across(p[0] >> 7, p[1] >> 7, p[2] >> 7, p[3] >> 7, p[4] >> 7));
        }
      } else {
        blur_across(row - 2, outer(), inner(), scratch_.across(c, y), width_);
      }
    }
  }

  void copy_row(int c, int64_t y) const {
    const uint8_t* from = source_ + c * from_.channel + std::min(y, recipe_.height - 1) * from_.row;
    uint8_t* to = scratch_.levels(c);
    const int64_t own = std::min(width_, recipe_.width), step = from_.column;
    if (step == 1) {
      std::copy_n(from, own, to);
    } else {
      for (int64_t x = 0; x < own; ++x) to[x] = from[x * step];
    }
    for (int64_t x = own; x < width_; ++x) to[x] = to[own - 1];
  }

  // Along the axes: columns are planned once; source rows are blended across once, and kept while they serve.

  void plan_columns() {
    if (shrinks_across_) {
      plan_filters();
      return;
    }
    for (int64_t x = 0; x < width_; ++x) {
      const Tap t = tap(source_coordinate(recipe_.xx, x, 0, 0, recipe_.x1));
      const int64_t a = resolve(t.index, window_.left, window_.right, recipe_.border);
      const int64_t b = resolve(t.index + 1, window_.left, window_.right, recipe_.border);
      zeros_ |= a < 0 || b < 0;
      scratch_.first()[x] = static_cast<int32_t>(a);
      scratch_.second()[x] = static_cast<int32_t>(b);
      scratch_.weights()[x] = static_cast<int16_t>(t.weight << 4);
    }
    grouped_ = kShuffles && !zeros_ && recipe_.width >= kGroup &&
               plan_groups(scratch_.first(), scratch_.first_group(), scratch_.first_places()) &&
               plan_groups(scratch_.second(), scratch_.second_group(), scratch_.second_places());
  }

  // False where the columns of a group lie too far apart.
  bool plan_groups(const int32_t* columns, int32_t* begins, uint8_t* places) const {
    for (int64_t x = 0; x < width_; x += kGroup) {
      const int64_t end = std::min(x + kGroup, width_);
      const auto [low, high] = std::minmax_element(columns + x, columns + end);
      if (*high - *low >= kGroup) return false;
      // The group's sixteen bytes must lie inside the row.
      const int32_t begin = std::min<int32_t>(*low, static_cast<int32_t>(recipe_.width) - kGroup);
      begins[x / kGroup] = begin;
      for (int64_t i = x; i < end; ++i) places[i] = static_cast<uint8_t>(columns[i] - begin);
    }
    return true;
  }

  const uint8_t* planar_row(int c, int64_t y) const {
    const uint8_t* row = source_ + c * from_.channel + y * from_.row;
    if (from_.column == 1) return row;
    uint8_t* planar = scratch_.row();
    const int64_t step = from_.column;
    for (int64_t x = window_.left; x < window_.right; ++x) planar[x] = row[x * step];
    return planar;
  }

  void source_row(int c, int64_t y, int16_t* out) const {
    if (y < 0) {
      std::fill_n(out, width_, int16_t{0});
      return;
    }
    const uint8_t* row = planar_row(c, y);
    if (shrinks_across_) {
      for (int64_t x = 0; x < width_; ++x) out[x] = filtered_pixel(row, scratch_.column_filters[x]);
      return;
    }
    const int32_t *first = scratch_.first(), *second = scratch_.second();
    uint8_t *a = scratch_.first_pixels(), *b = scratch_.second_pixels();
    if (grouped_) {
      for (int64_t x = 0; x < width_; x += kGroup) {
        pick_group(row + scratch_.first_group()[x / kGroup], scratch_.first_places() + x, a + x);
        pick_group(row + scratch_.second_group()[x / kGroup], scratch_.second_places() + x, b + x);
      }
    } else if (zeros_) {
      for (int64_t x = 0; x < width_; ++x) {
        a[x] = first[x] < 0 ? 0 : row[first[x]];
        b[x] = second[x] < 0 ? 0 : row[second[x]];
      }
    } else {
      for (int64_t x = 0; x < width_; ++x) a[x] = row[first[x]], b[x] = row[second[x]];
    }
    blend_across(a, b, scratch_.weights(), out, width_);
  }

  void resample_row(int64_t y) {
    const Tap t = tap(source_coordinate(0, 0, recipe_.yy, y, recipe_.y1));
    const int64_t a = resolve(t.index, window_.top, window_.bottom, recipe_.border);
    const int64_t b = resolve(t.index + 1, window_.top, window_.bottom, recipe_.border);
    if (a != upper_ && (a == lower_ || b == upper_)) {
      scratch_.swap_source_rows();
      std::swap(upper_, lower_);
    }
    for (int c = 0; c < batch_.channels; ++c) {
      if (a != upper_) source_row(c, a, scratch_.upper(c));
      if (b != lower_) source_row(c, b, scratch_.lower(c));
      blend_down(scratch_.upper(c), scratch_.lower(c), static_cast<int16_t>(t.weight << 4), scratch_.levels(c), width_);
    }
    upper_ = a;
    lower_ = b;
  }

  // Shrinking: the same rows, by filters.

  void plan_filters() {
    scratch_.column_filters.clear();
    scratch_.column_weights.clear();
    for (int64_t x = 0; x < width_; ++x) {
      const int64_t centre = source_coordinate(recipe_.xx, x, 0, 0, recipe_.x1);
      const Filter filter = filter_at(centre, recipe_.xx, window_.left, window_.right);
      const auto begin = static_cast<int32_t>(scratch_.column_weights.size());
      scratch_.column_filters.push_back({filter.first, static_cast<int32_t>(filter.count), begin});
      FilterWalk walk;
      for (int64_t i = 0; i < filter.count; ++i) {
        scratch_.column_weights.push_back(static_cast<int16_t>(walk.next(filter, i)));
      }
    }
  }

  int16_t filtered_pixel(const uint8_t* row, const Scratch::ColumnFilter& filter) const {
    const int16_t* weights = scratch_.column_weights.data() + filter.begin;
    int sum = 0;
    for (int32_t i = 0; i < filter.count; ++i) sum += weights[i] * row[filter.first + i];
    return static_cast<int16_t>(filtered_across(sum));
  }

  // As many rows as a filter can span, so that those of the next output row are still there.
  void plan_ring() {
    const int64_t span = 2 * (filter_reach(recipe_.yy) >> 32) + 3;
    const auto places = static_cast<size_t>(std::min(span, window_.bottom - window_.top));
    scratch_.ring_rows.assign(places, -1);
    scratch_.ring.resize(places * static_cast<size_t>(batch_.channels * width_));
    scratch_.sums.resize(static_cast<size_t>(batch_.channels * width_));
  }

  const int16_t* ring_row(int64_t y) const {
    const auto place = static_cast<size_t>(y) % scratch_.ring_rows.size();
    int16_t* rows = scratch_.ring.data() + place * static_cast<size_t>(batch_.channels * width_);
    if (scratch_.ring_rows[place] != y) {
      for (int c = 0; c < batch_.channels; ++c) source_row(c, y, rows + c * width_);
      scratch_.ring_rows[place] = y;
    }
    return rows;
  }

  void shrink_row(int64_t y) const {
    const int64_t centre = source_coordinate(0, 0, recipe_.yy, y, recipe_.y1);
    const Filter filter = filter_at(centre, recipe_.yy, window_.top, window_.bottom);
    const int64_t values = batch_.channels * width_;
    int32_t* sums = scratch_.sums.data();
    std::fill_n(sums, values, 0);
    FilterWalk walk;
    for (int64_t i = 0; i < filter.count; ++i) {
      const int weight = walk.next(filter, i);
      const int16_t* row = ring_row(filter.first + i);
      for (int64_t x = 0; x < values; ++x) sums[x] += weight * row[x];
    }
    for (int c = 0; c < batch_.channels; ++c) {
      uint8_t* levels = scratch_.levels(c);
      for (int64_t x = 0; x < width_; ++x) levels[x] = static_cast<uint8_t>(filtered_down(sums[c * width_ + x]));
    }
  }

  // In general: every pixel finds its own four.

  int source_pixel(int c, int64_t x, int64_t y) const {
    return x < 0 || y < 0 ? 0 : fine(source_[c * from_.channel + y * from_.row + x * from_.column]);
  }

  void resample_pixels(int c, int64_t y) const {
    for (int64_t x = 0; x < width_; ++x) {
      const Corners at = corners(recipe_, window_, x, y);
      const int upper = blend(source_pixel(c, at.left, at.upper), source_pixel(c, at.right, at.upper), at.across);
      const int lower = blend(source_pixel(c, at.left, at.lower), source_pixel(c, at.right, at.lower), at.across);
      scratch_.levels(c)[x] = static_cast<uint8_t>(level(blend(upper, lower, at.down)));
    }
  }

  // ---- Blur down the ring's rows, noise, output.

  int16_t outer() const { return static_cast<int16_t>(recipe_.outer); }
  int16_t inner() const { return static_cast<int16_t>(recipe_.inner); }

  void blur_row(int64_t y) const {
    for (int c = 0; c < batch_.channels; ++c) {
      if (article_) {
        article_row(c, y);
        continue;
      }
      const int16_t* rows[5];
      for (int k = 0; k < 5; ++k) rows[k] = scratch_.across(c, resolve(y + k - 2, 0, batch_.height, kReflect));
      blur_down(rows, outer(), inner(), scratch_.blurred(c), width_);
    }
  }

  void article_row(int c, int64_t y) const {
    const auto inside = [&](int64_t row) { return row >= 0 && row < batch_.height; };
    const auto pixel = [&](int64_t row, int64_t x) { return inside(row) ? scratch_.image(c, row)[x + 2] >> 7 : 0; };
    const auto across = [&](int64_t row, int64_t x) { return inside(row) ? scratch_.across(c, row)[x] : 0; };
    for (int64_t x = 0; x < width_; ++x) {
      scratch_.blurred(c)[x] = static_cast<uint8_t>(
          article_down(across(y - 2, x), across(y - 1, x), across(y, x), across(y + 1, x), across(y + 2, x),
                       pixel(y - 1, x), pixel(y, x + 1), pixel(y + 1, x), pixel(y, x - 1), pixel(y, x)));
    }
  }

  void noise_row(int64_t y) {
    const int64_t first = y * width_, last = (first + width_ - 1) / kPixelsPerBlock;
    uint16_t* bits = scratch_.bits();
    if (last >= bits_end_) {  // one filling serves several short rows
      bits_begin_ = bits_end_ = first / kPixelsPerBlock;
      for (; bits_end_ <= last; bits_end_ += kBlocksAtOnce) {
        pixel_blocks(static_cast<uint64_t>(recipe_.key), recipe_.place, bits_end_,
                     bits + (bits_end_ - bits_begin_) * kPixelsPerBlock);
      }
    }
    noise_masks(bits + (first - bits_begin_ * kPixelsPerBlock), static_cast<int32_t>(recipe_.salt),
                static_cast<int32_t>(recipe_.pepper), scratch_.keep(), scratch_.salted(), width_);
    for (int c = 0; c < batch_.channels; ++c) apply_masks(scratch_.keep(), scratch_.salted(), result(c), width_);
  }

  template <typename Value>
  void write_row(int c, int64_t y) const {
    const Strides to = out_strides(batch_);
    const uint8_t* levels = result(c);
    Value* out = static_cast<Value*>(batch_.out) + n_ * out_per_draw(batch_) + c * to.channel + y * to.row;
    const Value* table = static_cast<const Value*>(batch_.table);
    if (table) table += n_ * batch_.table_per_draw + c * 256;
    // One loop for each case, so that each is vectorised.
    if (to.column == 1 && table) {
      for (int64_t x = 0; x < width_; ++x) out[x] = table[levels[x]];
    } else if (to.column == 1) {
      std::copy_n(levels, width_, out);
    } else if (table) {
      for (int64_t x = 0; x < width_; ++x) out[x * to.column] = table[levels[x]];
    } else {
      for (int64_t x = 0; x < width_; ++x) out[x * to.column] = static_cast<Value>(levels[x]);
    }
  }

  const Batch& batch_;
  const Recipe& recipe_;
  Scratch& scratch_;
  const uint8_t* source_;
  Strides from_;
  Window window_;
  int64_t n_, width_;
  bool blurs_, article_, shrinks_across_, shrinks_down_;
  bool zeros_ = false;                     // whether a column reads beyond a zero border
  int64_t bits_begin_ = 0, bits_end_ = 0;  // the blocks that `bits` holds
  bool grouped_ = false;                   // whether the columns are read in groups
  int64_t upper_ = -2, lower_ = -2;        // the source rows that `upper` and `lower` hold; -1: zeros
};

}  // namespace gpuaug
