// The ops `philox` and `words`: the host's random numbers.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

#include "random.h"

namespace gpuaug {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

// counter is (n, 4), key is (n): uint32 words and 64-bit patterns, both held in int64
Tensor philox_cpu(const Tensor& counter, const Tensor& key) {
  STD_TORCH_CHECK(counter.scalar_type() == ScalarType::Long && counter.dim() == 2 && counter.size(1) == 4 &&
                      counter.is_contiguous(),
                  "counter must be contiguous int64 (n, 4)");
  STD_TORCH_CHECK(
      key.scalar_type() == ScalarType::Long && key.dim() == 1 && key.size(0) == counter.size(0) && key.is_contiguous(),
      "key must be contiguous int64 (n), one for each counter");
  auto out = torch::stable::empty_like(counter);
  const auto* counters = static_cast<const int64_t*>(counter.const_data_ptr());
  const auto* keys = static_cast<const int64_t*>(key.const_data_ptr());
  auto* words = static_cast<int64_t*>(out.mutable_data_ptr());
  torch::stable::parallel_for(0, counter.size(0), 4096, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Block block;
      for (int w = 0; w < 4; ++w) block.words[w] = static_cast<uint32_t>(counters[4 * i + w]);
      block = philox(block, static_cast<uint64_t>(keys[i]));
      for (int w = 0; w < 4; ++w) words[4 * i + w] = block.words[w];
    }
  });
  return out;
}

// keys is (n): 64-bit patterns; the result is (n, count): uint32 words in int64
Tensor words_cpu(const Tensor& keys, int64_t place, int64_t count) {
  STD_TORCH_CHECK(keys.scalar_type() == ScalarType::Long && keys.dim() == 1 && keys.is_contiguous(),
                  "keys must be contiguous int64 (n)");
  STD_TORCH_CHECK(count >= 0, "count must be at least 0, got ", count);
  auto out = torch::stable::new_empty(keys, {keys.size(0), count});
  const auto* in = static_cast<const int64_t*>(keys.const_data_ptr());
  auto* words = static_cast<int64_t*>(out.mutable_data_ptr());
  for (int64_t n = 0; n < keys.size(0); ++n) {
    Block block{};
    for (int64_t i = 0; i < count; ++i) {
      if (i % 4 == 0) block = parameter_block(static_cast<uint64_t>(in[n]), place, i / 4);
      words[n * count + i] = block.words[i % 4];
    }
  }
  return out;
}

}  // namespace gpuaug

STABLE_TORCH_LIBRARY_IMPL(gpuaug, CPU, library) {
  library.impl("philox", TORCH_BOX(&gpuaug::philox_cpu));
  library.impl("words", TORCH_BOX(&gpuaug::words_cpu));
}
