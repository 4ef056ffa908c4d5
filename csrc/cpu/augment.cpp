// The op `augment` on the CPU: the batch's rows shared out to the threads.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "cpu/output_memory.h"
#include "cpu/output_row.h"
#include "cpu/row_pipeline.h"
#include "cpu/statistics.h"
#include "host/call.h"

namespace gpuaug {
namespace {

// A unit of work is a strip of one draw's rows; a large batch has one strip a draw, a small one enough for all threads.
struct Strips {
  int64_t per_draw, rows;
};

Strips strips_of(const Batch& batch) {
  constexpr int64_t kFewestRows = 16;  // below that the rows that neighbouring strips both make weigh too much
  const int64_t wanted = 2 * static_cast<int64_t>(torch::stable::get_num_threads());
  const int64_t most = std::max<int64_t>(1, batch.height / kFewestRows);
  const int64_t per_draw = std::clamp<int64_t>((wanted + batch.draws - 1) / batch.draws, 1, most);
  return {per_draw, (batch.height + per_draw - 1) / per_draw};
}

bool is_any_measured(const Batch& batch) {
  return std::any_of(batch.recipes, batch.recipes + batch.draws,
                     [](const Recipe& recipe) { return is_measured(recipe); });
}

// The histograms of each draw, of its strips one after another, where its curves are measured and it has several.
std::vector<uint32_t> count_strips(const Batch& batch, const Strips& strips) {
  if (strips.per_draw == 1 || !is_any_measured(batch)) return {};
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

// The histograms of one draw. One that is not cut into strips is counted now, so that it is still in the cache when it
// is painted.
std::vector<uint32_t> histograms_of(const Batch& batch, int64_t n, const Strips& strips,
                                    const std::vector<uint32_t>& counted, Scratch& scratch, AxisResampler& across) {
  const int64_t entries = histogram_entries(batch);
  std::vector<uint32_t> histograms(static_cast<size_t>(entries));
  if (strips.per_draw == 1) {
    count_rows(batch, n, scratch, across, 0, batch.height, histograms.data());
    return histograms;
  }
  for (int64_t strip = n * strips.per_draw; strip < (n + 1) * strips.per_draw; ++strip) {
    for (int64_t k = 0; k < entries; ++k) histograms[k] += counted[strip * entries + k];
  }
  return histograms;
}

template <typename Value>
void run(const Batch& batch) {
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
        const auto histograms = histograms_of(batch, n, strips, counted, scratch, across);
        scratch.make_curve_tables(recipe, colored(batch.channels), histograms.data());
      }
      RowPipeline(batch, n, scratch, across).run(top, std::min(top + strips.rows, batch.height), output);
    }
    output.end();
  });
}

}  // namespace

Tensor augment_cpu(const Tensor& storage, const Tensor& records, const std::optional<Tensor>& table, int64_t channels,
                   int64_t height, int64_t width, bool interleaved, int64_t /*stages: each draw's own serve here*/,
                   bool channels_last, const std::optional<Tensor>& scale_shift) {
  auto call = prepare(storage, records, table, channels, height, width, interleaved, channels_last, scale_shift,
                      new_output_cpu);
  const Batch& batch = call.batch;
  for (int64_t n = 0; n < batch.draws; ++n) {
    STD_TORCH_CHECK(readable(batch, batch.recipes[n]), "recipes: draw ", n, " reads outside the images: offset ",
                    batch.recipes[n].offset, ", size ", batch.recipes[n].height, " x ", batch.recipes[n].width, " in ",
                    batch.storage_bytes, " bytes");
    STD_TORCH_CHECK(!is_measured(batch.recipes[n]) || batch.height <= kMostCounted / batch.width, "recipes: draw ", n,
                    " has curves that go by the image, of at most ", kMostCounted, " pixels, got ", batch.height, " x ",
                    batch.width);
  }
  if (batch.draws == 0) return call.out;
  with_element(call.element_size, [&](auto element) { run<decltype(element)>(batch); });
  return call.out;
}

}  // namespace gpuaug

STABLE_TORCH_LIBRARY_IMPL(gpuaug, CPU, library) { library.impl("augment", TORCH_BOX(&gpuaug::augment_cpu)); }
