// The ops `augment` and `augment_in_turn` on the CPU: threads share the draws of a batch.
#include <cstdint>
#include <optional>
#include <vector>

#include "cpu/draw_passes.h"
#include "cpu/output_memory.h"
#include "cpu/strips.h"
#include "host/call.h"

namespace gpuaug {
namespace {

// For enough draws for all threads.
template <typename Value>
void run_draws(const std::vector<Batch>& passes) {
  torch::stable::parallel_for(0, passes.back().draws, 1, [&](int64_t begin, int64_t end) {
    DrawPasses<Value> draws(passes);
    for (int64_t n = begin; n < end; ++n) draws.run(n);
    draws.end();
  });
}

// For few draws: one pass after another, each in strips.
template <typename Value>
void run_few(const std::vector<Batch>& passes) {
  Tensor before;  // keeps the memory that the next pass reads
  for (size_t k = 0; k < passes.size(); ++k) {
    Batch batch = passes[k];
    if (k > 0) batch.storage = static_cast<const uint8_t*>(before.const_data_ptr()), batch.interleaved = false;
    if (k + 1 == passes.size()) {
      run_strips<Value>(batch);
      break;
    }
    Tensor out = new_output_cpu(batch.draws, batch.channels, batch.height, batch.width, ScalarType::Byte, false);
    batch.out = out.mutable_data_ptr(), batch.channels_last = false;
    run_strips<uint8_t>(batch);
    before = out;
  }
}

void run_passes(const std::vector<Batch>& passes, int64_t element_size) {
  with_element(element_size, [&](auto element) {
    if (strips_of(passes.back()).per_draw > 1) {
      run_few<decltype(element)>(passes);
    } else {
      run_draws<decltype(element)>(passes);
    }
  });
}

void check_countable(const Batch& batch, int64_t n) {
  STD_TORCH_CHECK(!is_measured(batch.recipes[n]) || batch.height <= kMostCounted / batch.width, "recipes: draw ", n,
                  " has curves that go by the image, of at most ", kMostCounted, " pixels, got ", batch.height, " x ",
                  batch.width);
}

void check_first(const Batch& batch) {
  for (int64_t n = 0; n < batch.draws; ++n) {
    STD_TORCH_CHECK(readable(batch, batch.recipes[n]), "recipes: draw ", n, " reads outside the images: offset ",
                    batch.recipes[n].offset, ", size ", batch.recipes[n].height, " x ", batch.recipes[n].width, " in ",
                    batch.storage_bytes, " bytes");
    check_countable(batch, n);
  }
}

// Checks a pass that reads the result of the one before.
void check_next(const Batch& batch, const Batch& before) {
  for (int64_t n = 0; n < batch.draws; ++n) {
    const Recipe& recipe = batch.recipes[n];
    STD_TORCH_CHECK(
        recipe.offset == n * out_per_draw(before) && recipe.height == before.height && recipe.width == before.width,
        "recipes: draw ", n, " must read what its pass before gives, ", before.height, " x ", before.width, " from ",
        n * out_per_draw(before), " on, got ", recipe.height, " x ", recipe.width, " from ", recipe.offset, " on");
    check_countable(batch, n);
  }
}

}  // namespace

Tensor augment_cpu(const Tensor& storage, const Tensor& records, const std::optional<Tensor>& table, int64_t channels,
                   int64_t height, int64_t width, bool interleaved, int64_t /*stages: each draw's own serve here*/,
                   bool channels_last, const std::optional<Tensor>& scale_shift) {
  auto call = prepare(storage, records, table, channels, height, width, interleaved, channels_last, scale_shift,
                      new_output_cpu);
  check_first(call.batch);
  if (call.batch.draws > 0) run_passes({call.batch}, call.element_size);
  return call.out;
}

Tensor augment_in_turn_cpu(const Tensor& storage, const std::vector<Tensor>& records,
                           const std::optional<Tensor>& table, int64_t channels, const std::vector<int64_t>& sizes,
                           bool interleaved, bool channels_last, const std::optional<Tensor>& scale_shift) {
  const size_t count = records.size();
  STD_TORCH_CHECK(count > 0 && sizes.size() == 2 * count,
                  "sizes must be a height and a width for each of the records, ", "of one pass at least, got ",
                  sizes.size(), " for ", count);
  auto call = prepare(storage, records.back(), table, channels, sizes[2 * count - 2], sizes[2 * count - 1], interleaved,
                      channels_last, scale_shift, new_output_cpu);
  std::vector<Batch> passes(count, call.batch);
  std::vector<Tensor> own;  // the batches point to them
  for (size_t k = 0; k + 1 < count; ++k) {
    check_records(records[k]);
    STD_TORCH_CHECK(records[k].size(0) == call.batch.draws, "records must be of the same draws in each pass, got ",
                    records[k].size(0), " and ", call.batch.draws);
    check_out_size(call.batch.draws, channels, sizes[2 * k], sizes[2 * k + 1]);
    own.push_back(aligned(records[k], alignof(Recipe)));
    passes[k].recipes = static_cast<const Recipe*>(own.back().const_data_ptr());
    passes[k].height = sizes[2 * k], passes[k].width = sizes[2 * k + 1];
    passes[k].table = nullptr, passes[k].scale_shift = nullptr, passes[k].table_per_draw = 0;
  }
  check_first(passes[0]);
  for (size_t k = 1; k < count; ++k) check_next(passes[k], passes[k - 1]);
  if (call.batch.draws > 0) run_passes(passes, call.element_size);
  return call.out;
}

}  // namespace gpuaug

STABLE_TORCH_LIBRARY_IMPL(gpuaug, CPU, library) {
  library.impl("augment", TORCH_BOX(&gpuaug::augment_cpu));
  library.impl("augment_in_turn", TORCH_BOX(&gpuaug::augment_in_turn_cpu));
}
