// The CPU's kernel without PyTorch, compiled for one generation of vectors: the cases' draws one after another, each
// in strips of a few rows.
#include <algorithm>
#include <cstdint>

#include "cases.h"
#include "cpu/row_pipeline.h"

namespace gpuaug {

constexpr int64_t kStripRows = 7;

template <typename Value>
void paint(const Batch& batch) {
  Scratch scratch(batch);
  AxisResampler across;
  OutputRow<Value> output(batch);
  for (int64_t n = 0; n < batch.draws; ++n) {
    output.begin(n);
    if (!readable(batch, batch.recipes[n])) continue;
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
