// The CPU kernel's buffers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/batch.h"
#include "common/philox.h"
#include "common/stages/pointwise.h"
#include "common/stages/statistics.h"
#include "cpu/padded_source.h"
#include "cpu/row_kernels.h"

namespace gpuaug {

// The buffers of one thread, kept from draw to draw.
class Scratch {
 public:
  static constexpr int kRing = 8;  // rows for the blur, which needs five

  explicit Scratch(const Batch& batch)
      : line_(padded(batch.width)),
        values_(batch.channels * line_),
        wide_values_(batch.channels * (line_ + 2 * kMargin)),
        source_line_(widest_source(batch)),
        rows_(static_cast<size_t>((4 + kRing) * values_ + kRing * wide_values_)),
        source_(static_cast<size_t>(source_line_ * batch.channels)),
        bits_line_(line_ + 2 * kPixelsPerBlock * kPhiloxBlocks),
        bits_(static_cast<size_t>(PointwiseStages::kRandomLines * bits_line_)) {}

  Row upper() { return row(upper_); }  // the two source rows, blended across
  Row lower() { return row(lower_); }
  void swap_source_rows() { std::swap(upper_, lower_); }

  Row levels() { return row(2); }  // the levels of the output row
  Row zeros() { return row(3); }

  // For the blur: rows with a margin before and after their lines, and the rows blurred across.
  Row image(int64_t y) {
    return {rows_.data() + (4 + kRing) * values_ + y % kRing * wide_values_ + kMargin, line_ + 2 * kMargin};
  }
  Row across(int64_t y) { return row(4 + static_cast<int>(y % kRing)); }

  // For the random bits of a stage.
  template <typename Stage>
  uint16_t* random_line(int number) {
    return bits_.data() + (StagePlace<Stage>::kRandomLine + number) * bits_line_;
  }

  uint8_t* source() { return source_.data(); }  // a source row, one channel after the other
  int64_t source_line() const { return source_line_; }

  // For shrinking: a ring of source rows, filtered or blended across.
  std::vector<int64_t> ring_rows;  // the source row in each place of the ring
  std::vector<int16_t> ring;
  std::vector<int32_t> sums;

  PaddedSource padded_source;  // the source of a warped draw

  // Makes the tables of a draw with measured curves, one for each color channel, from its histograms.
  void make_curve_tables(const Recipe& recipe, int channels, const uint32_t* histograms) {
    curve_tables_.resize(static_cast<size_t>(channels) * kTableBytes);
    measured_curve_tables(recipe, channels, histograms, table_memory_, curve_tables_.data());
  }
  const uint8_t* curve_tables() const { return curve_tables_.data(); }

 private:
  static constexpr int kMargin = 16;  // the blur's border uses two of these values

  static int64_t widest_source(const Batch& batch) {
    int64_t widest = 0;
    for (int64_t n = 0; batch.interleaved && n < batch.draws; ++n) widest = std::max(widest, batch.recipes[n].width);
    return widest;
  }
  Row row(int number) { return {rows_.data() + number * values_, line_}; }

  int64_t line_, values_, wide_values_, source_line_;
  std::vector<int16_t> rows_;
  std::vector<uint8_t> source_;
  int64_t bits_line_;
  std::vector<uint16_t> bits_;
  int upper_ = 0, lower_ = 1;
  std::vector<uint8_t> curve_tables_;
  TableMemory table_memory_;
};

}  // namespace gpuaug
