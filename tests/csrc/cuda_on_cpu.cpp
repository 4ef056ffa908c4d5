// The CUDA kernel compiled by a host compiler: one OS thread for each CUDA thread, a few blocks at a time.
#include <cstdint>

#include "cases.h"
#include "cuda_launch.h"
#include "cuda_shim.h"

#include "cuda/kernel.cuh"

namespace gpuaug {

unsigned char* block_memory() { return block_shared; }

using Kernel = void (*)(const Batch, const Tiling);

template <int64_t kCounts, typename Value>
Kernel variant(int64_t stages) {
  constexpr Kernel kernels[] = {augment_kernel<kCounts, Value>, augment_kernel<kCounts | kBlur, Value>,
                                augment_kernel<kCounts | kShrink, Value>,
                                augment_kernel<kCounts | kBlur | kShrink, Value>};
  return kernels[(stages & kBlur ? 1 : 0) + (stages & kShrink ? 2 : 0)];
}

Kernel kernel_of(int64_t stages, int64_t element_size) {
  if (stages & kStatistics) return variant<kStatistics, uint8_t>(stages);
  Kernel kernel = nullptr;
  with_element(element_size, [&](auto element) { kernel = variant<0, decltype(element)>(stages); });
  return kernel;
}

}  // namespace gpuaug

int main() {
  return run_cases(
      [](const Header& h, const gpuaug::Batch& batch) { gpuaug::launch_all(h, batch, gpuaug::kernel_of); });
}
