// The CPU kernel's buffers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "batch.h"
#include "lines.h"

namespace gpuaug {

// One thread's buffers, kept for the draws that follow. A line is one row of one channel.
class Scratch {
 public:
  static constexpr int kRing = 8;  // rows kept for the blur, which needs five

  explicit Scratch(const Batch& batch)
      : width_(batch.width),
        line_((batch.width + 4 + 63) / 64 * 64),
        columns_(static_cast<size_t>(4 * batch.width)),
        groups_(static_cast<size_t>(2 * (batch.width / kGroup + 1))),
        row_(static_cast<size_t>(widest_source(batch))),
        bytes_(static_cast<size_t>(line_ * 14)),
        fine_(static_cast<size_t>(line_ * batch.channels * (2 + 2 * kRing))),
        bits_(static_cast<size_t>(batch.width + 2 * 8 * kBlocksAtOnce)),
        channels_(batch.channels) {}

  // Of each output column: where its two source pixels lie in a row, and the weight of the second, in 1/2^15.
  int32_t* first() { return columns_.data(); }
  int32_t* second() { return columns_.data() + width_; }
  int16_t* weights() { return reinterpret_cast<int16_t*>(columns_.data() + 2 * width_); }

  // Of each group of output columns: where the bytes begin that it reads, and each column's place in them.
  int32_t* first_group() { return groups_.data(); }
  int32_t* second_group() { return groups_.data() + groups_.size() / 2; }
  uint8_t* first_places() { return bytes(12); }
  uint8_t* second_places() { return bytes(13); }
  uint8_t* row() { return row_.data(); }  // of one channel of the source

  uint8_t* first_pixels() { return bytes(0); }
  uint8_t* second_pixels() { return bytes(1); }
  uint8_t* keep() { return bytes(2); }
  uint8_t* salted() { return bytes(3); }
  uint8_t* levels(int c) { return bytes(4 + c); }   // after geometry
  uint8_t* blurred(int c) { return bytes(8 + c); }  // after blur
  uint16_t* bits() { return bits_.data(); }

  int16_t* upper(int c) { return fine(c, 0); }  // two source rows, blended across
  int16_t* lower(int c) { return fine(c, 1); }
  int16_t* image(int c, int64_t y) {
    return fine(c, 2 + static_cast<int>(y % kRing));
  }  // with two columns before and after
  int16_t* across(int c, int64_t y) { return fine(c, 2 + kRing + static_cast<int>(y % kRing)); }

  void swap_source_rows() { std::swap(upper_, lower_); }

  // Where an axis shrinks: each column's filter and weights, and a ring of source rows, filtered or blended across.
  struct ColumnFilter {
    int64_t first;
    int32_t count, begin;  // of its weights
  };
  std::vector<ColumnFilter> column_filters;
  std::vector<int16_t> column_weights;
  std::vector<int64_t> ring_rows;  // the source row in each place of the ring
  std::vector<int16_t> ring;
  std::vector<int32_t> sums;

 private:
  uint8_t* bytes(int line) { return bytes_.data() + line * line_; }
  static int64_t widest_source(const Batch& batch) {
    int64_t widest = 0;
    for (int64_t n = 0; batch.interleaved && n < batch.draws; ++n) widest = std::max(widest, batch.recipes[n].width);
    return widest;
  }
  int16_t* fine(int c, int line) {
    const int at = line == 0 ? upper_ : line == 1 ? lower_ : line;
    return fine_.data() + (at * channels_ + c) * line_;
  }

  int64_t width_, line_;
  std::vector<int32_t> columns_, groups_;
  std::vector<uint8_t> row_;
  std::vector<uint8_t> bytes_;
  std::vector<int16_t> fine_;
  std::vector<uint16_t> bits_;
  int channels_;
  int upper_ = 0, lower_ = 1;
};

}  // namespace gpuaug
