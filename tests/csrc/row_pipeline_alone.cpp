// The CPU's kernel without PyTorch, compiled for one generation of vectors: the cases' draws one after another, each
// in strips of a few rows.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "cases.h"
#include "cpu/output_row.h"
#include "cpu/row_pipeline.h"
#include "cpu/statistics.h"

namespace gpuaug {

constexpr int64_t kStripRows = 7;

void measure(const Batch& batch, int64_t n, Scratch& scratch, AxisResampler& across) {
  std::vector<uint32_t> histograms(static_cast<size_t>(histogram_entries(batch)));
  for (int64_t top = 0; top < batch.height; top += kStripRows) {
    count_rows(batch, n, scratch, across, top, std::min(top + kStripRows, batch.height), histograms.data());
  }
  scratch.make_curve_tables(batch.recipes[n], colored(batch.channels), histograms.data());
}

template <typename Value>
void paint(const Batch& batch) {
  Scratch scratch(batch);
  AxisResampler across;
  OutputRow<Value> output(batch);
  for (int64_t n = 0; n < batch.draws; ++n) {
    output.begin(n);
    if (!readable(batch, batch.recipes[n])) continue;
    if (is_measured(batch.recipes[n])) measure(batch, n, scratch, across);
    for (int64_t top = 0; top < batch.height; top += kStripRows) {
      RowPipeline(batch, n, scratch, across).run(top, std::min(top + kStripRows, batch.height), output);
    }
  }
  output.end();
}

}  // namespace gpuaug

int main() {
  return run_cases([](const Header& h, const gpuaug::Batch& batch) {
    gpuaug::with_element(h.element_size, [&](auto element) { gpuaug::paint<decltype(element)>(batch); });
  });
}
