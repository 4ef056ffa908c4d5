// The statistics of measured curves: a pass before the painting one, up to color, whose rows are counted instead of
// written.
#pragma once

#include <cstdint>
#include <vector>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/stages/curves.h"
#include "common/stages/pointwise.h"
#include "common/stages/statistics.h"
#include "cpu/row_kernels.h"
#include "cpu/row_pipeline.h"
#include "cpu/scratch.h"

namespace gpuaug {

// The histograms of a draw's color channels, one after another.
inline int64_t histogram_entries(const Batch& batch) { return int64_t{colored(batch.channels)} * kLevels; }

// The statistics that a draw's curves need. Sums and ends are found many levels at a time, histograms one by one.
enum class Asked { kHistogram, kEnds, kSum };

// A second curve depends on the image as the first one leaves it, so it needs the histogram.
inline Asked asked_of(const Recipe& recipe) {
  int64_t first = kNoCurve;
  for (int i = 0; i < kMostCurves; ++i) {
    const int64_t word = curve_word(recipe, i);
    if (first == kNoCurve) {
      first = curve_of(word);
    } else if (is_measured(word)) {
      return Asked::kHistogram;
    }
  }
  return first == kAutocontrast ? Asked::kEnds : (first == kContrast ? Asked::kSum : Asked::kHistogram);
}

// The last step of the rows of the counting pass.
class CountingRow {
 public:
  CountingRow(const Batch& batch, const Recipe& recipe)
      : asked_(asked_of(recipe)), channels_(colored(batch.channels)), width_(batch.width) {
    if (asked_ == Asked::kHistogram) parts_.resize(static_cast<size_t>(kCountParts * histogram_entries(batch)));
  }

  void write(int64_t /*y*/, Row levels) {
    for (int c = 0; c < channels_; ++c) {
      const int16_t* own = levels.channel(c);
      if (asked_ == Asked::kHistogram) {
        count_levels(own, width_, parts_.data() + c * kCountParts * kLevels);
      } else if (asked_ == Asked::kEnds) {
        find_ends(own, width_, low_[c], high_[c]);
      } else {
        sums_[c] += sum_of_levels(own, width_);
      }
    }
    values_ += width_;
  }

  // If histograms are not needed, makes ones with the same ends, or with the same sum and count.
  void add_to(uint32_t* histograms) const {
    for (int c = 0; c < channels_ && values_ > 0; ++c) {
      uint32_t* own = histograms + c * kLevels;
      if (asked_ == Asked::kHistogram) {
        const uint32_t* parts = parts_.data() + c * kCountParts * kLevels;
        for (int k = 0; k < kCountParts * kLevels; ++k) own[k % kLevels] += parts[k];
      } else if (asked_ == Asked::kEnds) {
        ++own[low_[c]];
        ++own[high_[c]];
      } else {
        const int64_t level = sums_[c] / values_, above = sums_[c] % values_;
        own[level] += static_cast<uint32_t>(values_ - above);
        if (above > 0) own[level + 1] += static_cast<uint32_t>(above);
      }
    }
  }

 private:
  Asked asked_;
  int channels_;
  int64_t width_, values_ = 0;
  std::vector<uint32_t> parts_;
  int16_t low_[kMostColored] = {255, 255, 255}, high_[kMostColored] = {};
  int64_t sums_[kMostColored] = {};
};

// Adds the levels of a draw's rows [begin, end) to its histograms.
inline void count_rows(const Batch& batch, int64_t n, Scratch& scratch, AxisResampler& across, int64_t begin,
                       int64_t end, uint32_t* histograms) {
  CountingRow counting(batch, batch.recipes[n]);
  RowPipeline(batch, n, scratch, across, StagePlace<CurvesStage>::kBitsBefore).run(begin, end, counting);
  counting.add_to(histograms);
}

}  // namespace gpuaug
