// The columns of one draw whose map runs along the axes. They are prepared once and then resample any source row.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/arithmetic.h"
#include "common/borders.h"
#include "common/stages/geometry.h"
#include "cpu/row_kernels.h"

namespace gpuaug {

class AxisResampler {
 public:
  // For `width` output columns; one row of the source's channel has `recipe.width` bytes.
  void prepare(const Recipe& recipe, const Window& window, int64_t width) {
    width_ = width;
    line_ = padded(width);
    shrinks_ = shrinks(recipe, recipe.xx);
    for (int c = 0; c < 4; ++c) outside_[c] = static_cast<uint8_t>(outside_level(recipe, c));
    if (shrinks_) {
      prepare_filters(recipe, window);
    } else {
      prepare_taps(recipe, window);
    }
  }

  // Whether every column is on a source pixel, so that a row needs no blending.
  bool whole() const { return !shrinks_ && whole_ && grouped_; }

  void take(SourceRow from, int channels, Row out) const {
    take_groups(from, channels, first_groups_.data(), out, false, line_);
    show_beyond(from, channels, out, false);
  }

  // Resamples all channels of a source row, to 1/128.
  void across(SourceRow from, int channels, Row out) const {
    if (shrinks_) {
      filter(from, channels, out);
    } else if (!grouped_) {
      blend_columns(from, channels, first_.data(), second_.data(), weights_.data(), outside_, out, line_);
    } else {
      if (whole_) {
        take_groups(from, channels, first_groups_.data(), out, true, line_);
      } else {
        blend_groups(from, channels, first_groups_.data(), second_groups_.data(), weights_.data(), out, line_);
      }
      show_beyond(from, channels, out, true);
    }
  }

 private:
  // The two source pixels of each column, and the weight of the second in 1/2^15. The last column pads the line.
  void prepare_taps(const Recipe& recipe, const Window& window) {
    const auto lanes = static_cast<size_t>(line_);
    first_.resize(lanes);
    second_.resize(lanes);
    weights_.resize(lanes);
    const int64_t low = window.left, high = window.right - 1;
    const bool edge = recipe.border == kEdge;
    spans_.clear();
    halves_.clear();
    int any = 0;
    const Sampling sampling = sampling_of(recipe);
    for (int64_t x = 0; x < line_; ++x) {
      const Tap t = tap(sampling, source_coordinate(recipe.xx, std::min(x, width_ - 1), 0, 0, recipe.x1));
      int64_t a, b;
      if (edge) {
        a = clamp(t.index, low, high), b = clamp(t.index + 1, low, high);
      } else {
        a = resolve(t.index, window.left, window.right, recipe.border);
        b = resolve(t.index + 1, window.left, window.right, recipe.border);
      }
      if (a < 0 || b < 0) note_beyond(x, a, b, t.weight);
      any |= t.weight;
      first_[static_cast<size_t>(x)] = static_cast<int32_t>(a);
      second_[static_cast<size_t>(x)] = static_cast<int32_t>(b);
      weights_[static_cast<size_t>(x)] = static_cast<int16_t>(t.weight << 4);
    }
    whole_ = any == 0;
    grouped_ = recipe.width >= kGroup && group_taps(first_, first_groups_, recipe) &&
               (whole_ || group_taps(second_, second_groups_, recipe));
  }

  // Columns that read a zero border: with both of their pixels, as spans of columns, or with one.
  void note_beyond(int64_t x, int64_t a, int64_t b, int weight) {
    if (weight == 0 ? a >= 0 : (a < 0) != (b < 0)) {
      if (weight != 0) halves_.push_back(x);
    } else if (!spans_.empty() && spans_.back().end == x) {
      ++spans_.back().end;
    } else {
      spans_.push_back({x, x + 1});
    }
  }

  // Sets the spans, for which groups read pixels too, to the border, as levels or in 1/128.
  void show_beyond(SourceRow from, int channels, Row out, bool as_fine) const {
    for (int c = 0; c < channels; ++c) {
      const auto value = static_cast<int16_t>(as_fine ? fine(outside_[c]) : outside_[c]);
      for (const Columns& span : spans_) std::fill(out.channel(c) + span.begin, out.channel(c) + span.end, value);
    }
    for (const int64_t x : halves_) {
      blend_columns(from, channels, &first_[static_cast<size_t>(x)], &second_[static_cast<size_t>(x)],
                    &weights_[static_cast<size_t>(x)], outside_, {out.values + x, out.line}, 1);
    }
  }

  // In place of the border, a column reads the pixel of its neighbour.
  bool group_taps(const std::vector<int32_t>& columns, std::vector<Group>& groups, const Recipe& recipe) {
    if (spans_.empty() && halves_.empty()) return prepare_groups(columns, groups, recipe.width);
    near_.assign(columns.begin(), columns.end());
    int32_t last = 0;
    for (int32_t column : columns) {
      if (column >= 0) {
        last = column;
        break;
      }
    }
    for (int32_t& column : near_) last = column = column < 0 ? last : column;
    return prepare_groups(near_, groups, recipe.width);
  }

  // False if the columns of a group are too far apart.
  static bool prepare_groups(const std::vector<int32_t>& columns, std::vector<Group>& groups, int64_t row_bytes) {
    groups.resize(columns.size() / kGroup);
    const int32_t* own = columns.data();
    for (Group& group : groups) {
      int32_t low = own[0], high = own[0];
      for (int i = 1; i < kGroup; ++i) low = std::min(low, own[i]), high = std::max(high, own[i]);
      if (high - low >= kGroup) return false;
      group.begin = std::min(low, static_cast<int32_t>(row_bytes) - kGroup);
      for (int i = 0; i < kGroup; ++i) group.places[i] = static_cast<uint8_t>(own[i] - group.begin);
      own += kGroup;
    }
    return true;
  }

  // ---- Shrinking: a filter for each column, its pixels padded to whole quads with weights of zero.

  void prepare_filters(const Recipe& recipe, const Window& window) {
    filters_.clear();
    beyond_.clear();
    int64_t most = 0;
    for (int64_t x = 0; x < line_; ++x) {
      const int64_t centre = source_coordinate(recipe.xx, std::min(x, width_ - 1), 0, 0, recipe.x1);
      filters_.push_back(filter_at(centre, recipe.xx, window.left, window.right));
      if (shows_beyond(centre, window.left, window.right, recipe.border)) beyond_.push_back(x);
      most = std::max(most, filters_.back().count);
    }
    quads_ = (most + 3) / 4;
    // Every quad must be inside the row. A row shorter than the quads of one filter is copied into a longer one.
    row_bytes_ = std::max(recipe.width, 4 * quads_);
    source_width_ = recipe.width;
    first_.resize(static_cast<size_t>(line_));
    weights_.assign(static_cast<size_t>(4 * quads_ * line_), 0);
    for (int64_t x = 0; x < line_; ++x) {
      const Filter& filter = filters_[static_cast<size_t>(x)];
      const int64_t start = std::min(filter.first, row_bytes_ - 4 * quads_);
      first_[static_cast<size_t>(x)] = static_cast<int32_t>(start);
      int16_t* weights = weights_.data() + (filter.first - start) * line_ + x;
      FilterWalk walk;
      for (int64_t i = 0; i < filter.count; ++i) weights[i * line_] = static_cast<int16_t>(walk.next(filter, i));
    }
  }

  void filter(SourceRow from, int channels, Row out) const {
    if (source_width_ < row_bytes_) {
      longer_.assign(static_cast<size_t>(channels * row_bytes_), 0);
      for (int c = 0; c < channels; ++c) {
        std::copy_n(from.bytes + c * from.line, source_width_, longer_.data() + c * row_bytes_);
      }
      from = {longer_.data(), row_bytes_};
    }
    filter_columns(from, channels, first_.data(), quads_, weights_.data(), out, line_);
    for (int c = 0; c < channels && !beyond_.empty(); ++c) {
      for (const int64_t x : beyond_) out.channel(c)[x] = static_cast<int16_t>(fine(outside_[c]));
    }
  }

  struct Columns {
    int64_t begin, end;
  };

  int64_t width_ = 0, line_ = 0;
  bool shrinks_ = false;
  bool whole_ = false;       // every column is on a source pixel
  bool grouped_ = false;     // the columns are read in groups
  uint8_t outside_[4] = {};  // the level of a zero border in each channel
  std::vector<int32_t> first_, second_, near_;
  std::vector<Columns> spans_;
  std::vector<int64_t> halves_;
  std::vector<int16_t> weights_;
  std::vector<Group> first_groups_, second_groups_;

  std::vector<Filter> filters_;
  std::vector<int64_t> beyond_;  // columns that show a zero border
  int64_t quads_ = 0, source_width_ = 0, row_bytes_ = 0;
  mutable std::vector<uint8_t> longer_;
};

}  // namespace gpuaug
