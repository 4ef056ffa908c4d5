// What curves that go by the image need to know of it: a pass before the one that paints, through color, whose rows are
// counted in place of written.
#pragma once

#include <cstdint>
#include <vector>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/stages/pointwise.h"
#include "common/stages/statistics.h"
#include "cpu/row_kernels.h"
#include "cpu/row_pipeline.h"
#include "cpu/scratch.h"

namespace gpuaug {

// Histograms of a draw's colored channels, one after another.
inline int64_t histogram_entries(const Batch& batch) { return int64_t{colored(batch.channels)} * kLevels; }

// The end of the rows of the pass before.
class CountingRow {
 public:
  explicit CountingRow(const Batch& batch)
      : channels_(colored(batch.channels)),
        width_(batch.width),
        parts_(static_cast<size_t>(kCountParts * histogram_entries(batch))) {}

  void write(int64_t /*y*/, Row levels) {
    for (int c = 0; c < channels_; ++c) {
      count_levels(levels.channel(c), width_, parts_.data() + c * kCountParts * kLevels);
    }
  }

  void add_to(uint32_t* histograms) const {
    for (int k = 0; k < channels_ * kCountParts * kLevels; ++k) {
      histograms[k / (kCountParts * kLevels) * kLevels + k % kLevels] += parts_[static_cast<size_t>(k)];
    }
  }

 private:
  int channels_;
  int64_t width_;
  std::vector<uint32_t> parts_;
};

// Adds the levels of a draw's rows [begin, end) to its histograms.
inline void count_rows(const Batch& batch, int64_t n, Scratch& scratch, AxisResampler& across, int64_t begin,
                       int64_t end, uint32_t* histograms) {
  CountingRow counting(batch);
  RowPipeline(batch, n, scratch, across, StagePlace<CurvesStage>::kBitsBefore).run(begin, end, counting);
  counting.add_to(histograms);
}

}  // namespace gpuaug
