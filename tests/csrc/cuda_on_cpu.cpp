// The CUDA kernel compiled by a host compiler: one OS thread for each CUDA thread, blocks one after another.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "cases.h"
#include "cuda_shim.h"

#include "augment_kernel.cuh"

namespace gpuaug {

static unsigned char* memory;  // of the one block that runs
unsigned char* block_memory() { return memory; }

using Kernel = void (*)(const Batch, const Tiling);

template <typename Value>
Kernel variant(int64_t stages) {
  constexpr Kernel kernels[] = {augment_kernel<0, Value>, augment_kernel<kBlur, Value>, augment_kernel<kShrink, Value>,
                                augment_kernel<kBlur | kShrink, Value>};
  return kernels[(stages & kBlur ? 1 : 0) + (stages & kShrink ? 2 : 0)];
}

Kernel kernel_of(int64_t stages, int64_t element_size) {
  Kernel kernel = nullptr;
  with_element(element_size, [&](auto element) { kernel = variant<decltype(element)>(stages); });
  return kernel;
}

constexpr int kShared = 164 << 10;  // of a multiprocessor

// `multiprocessors` decides on the size of tiles; few blocks, so that most step on.
void launch(int64_t stages, int64_t element_size, int multiprocessors, const Batch& batch) {
  const Kernel kernel = kernel_of(stages, element_size);
  Tiling tiling = tiling_of(batch, stages, static_cast<int>(element_size), {multiprocessors, kShared});
  const int64_t blocks = std::min<int64_t>(3, tiling.per_draw * batch.draws);
  if (blocks == 0) return;
  spread(tiling, blocks);
  std::vector<uint4> shared(static_cast<size_t>(tiling.shared) / sizeof(uint4));
  memory = reinterpret_cast<unsigned char*>(shared.data());
  launch_blocks(static_cast<unsigned>(blocks), static_cast<unsigned>(tiling.threads), shared,
                [&] { kernel(batch, tiling); });
}

}  // namespace gpuaug

int main() {
  return run_cases([](const Header& h, const gpuaug::Batch& batch) {
    gpuaug::launch(h.stages, h.element_size, static_cast<int>(h.multiprocessors), batch);
  });
}
