// A batch of few draws: each draw is cut into strips of rows, so that all threads have work.
#pragma once

#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/batch.h"
#include "cpu/output_row.h"
#include "cpu/row_pipeline.h"
#include "cpu/statistics.h"

namespace gpuaug {

struct Strips {
  int64_t per_draw, rows;
};

inline Strips strips_of(const Batch& batch) {
  constexpr int64_t kFewestRows = 16;  // with fewer, the rows that neighbouring strips both make cost too much
  const int64_t wanted = 2 * static_cast<int64_t>(torch::stable::get_num_threads());
  const int64_t most = std::max<int64_t>(1, batch.height / kFewestRows);
  const int64_t per_draw = std::clamp<int64_t>((wanted + batch.draws - 1) / batch.draws, 1, most);
  return {per_draw, (batch.height + per_draw - 1) / per_draw};
}

inline bool is_any_measured(const Batch& batch) {
  return std::any_of(batch.recipes, batch.recipes + batch.draws,
                     [](const Recipe& recipe) { return is_measured(recipe); });
}

// The histograms of each draw with measured curves, one for each of its strips.
inline std::vector<uint32_t> count_strips(const Batch& batch, const Strips& strips) {
  if (!is_any_measured(batch)) return {};
  const int64_t entries = histogram_entries(batch);
  std::vector<uint32_t> histograms(static_cast<size_t>(batch.draws * strips.per_draw * entries));
  torch::stable::parallel_for(0, batch.draws * strips.per_draw, 1, [&](int64_t begin, int64_t end) {
    Scratch scratch(batch);
    AxisResampler across;
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t n = unit / strips.per_draw, top = unit % strips.per_draw * strips.rows;
      if (!is_measured(batch.recipes[n])) continue;
      count_rows(batch, n, scratch, across, top, std::min(top + strips.rows, batch.height),
                 histograms.data() + unit * entries);
    }
  });
  return histograms;
}

// The histograms of one draw.
inline std::vector<uint32_t> histograms_of(const Batch& batch, int64_t n, const Strips& strips,
                                           const std::vector<uint32_t>& counted) {
  const int64_t entries = histogram_entries(batch);
  std::vector<uint32_t> histograms(static_cast<size_t>(entries));
  for (int64_t strip = n * strips.per_draw; strip < (n + 1) * strips.per_draw; ++strip) {
    for (int64_t k = 0; k < entries; ++k) histograms[k] += counted[strip * entries + k];
  }
  return histograms;
}

template <typename Value>
void run_strips(const Batch& batch) {
  const Strips strips = strips_of(batch);
  const std::vector<uint32_t> counted = count_strips(batch, strips);
  torch::stable::parallel_for(0, batch.draws * strips.per_draw, 1, [&](int64_t begin, int64_t end) {
    Scratch scratch(batch);
    AxisResampler across;
    OutputRow<Value> output(batch);
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t n = unit / strips.per_draw, top = unit % strips.per_draw * strips.rows;
      output.begin(n);
      if (const Recipe& recipe = batch.recipes[n]; is_measured(recipe)) {
        const auto histograms = histograms_of(batch, n, strips, counted);
        scratch.make_curve_tables(recipe, colored(batch.channels), histograms.data());
      }
      RowPipeline(batch, n, scratch, across).run(top, std::min(top + strips.rows, batch.height), output);
    }
    output.end();
  });
}

}  // namespace gpuaug
