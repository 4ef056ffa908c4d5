// The CUDA kernel compiled by a host compiler: one OS thread for each CUDA thread, blocks one after another.
#include <cstdint>

#include "cases.h"
#include "cuda_launch.h"
#include "cuda_shim.h"

#include "cuda/kernel.cuh"

namespace gpuaug {

unsigned char* block_memory() { return block_shared; }

using Kernel = void (*)(const Batch, const Tiling);

template <typename Value>
Kernel variant(int64_t stages) {
  constexpr Kernel kernels[] = {augment_kernel<0, Value>, augment_kernel<kBlur, Value>, augment_kernel<kShrink, Value>,
                                augment_kernel<kBlur | kShrink, Value>};
  return kernels[(stages & kBlur ? 1 : 0) + (stages & kShrink ? 2 : 0)];
}

Kernel kernel_of(const Header& h) {
  Kernel kernel = nullptr;
  with_element(h.element_size, [&](auto element) { kernel = variant<decltype(element)>(h.stages); });
  return kernel;
}

}  // namespace gpuaug

int main() {
  return run_cases([](const Header& h, const gpuaug::Batch& batch) {
    const auto kernel = gpuaug::kernel_of(h);
    gpuaug::launch(h, batch, [&](const gpuaug::Tiling& tiling) { kernel(batch, tiling); });
  });
}
