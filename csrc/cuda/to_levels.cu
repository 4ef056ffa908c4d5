// The op `to_levels` on CUDA: one launch on the current stream; no synchronization.
#include <cuda_runtime.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/macros.h>
#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "cuda/gpu.h"
#include "cuda/on_device.h"
#include "cuda/to_levels.cuh"
#include "host/values.h"

namespace gpuaug {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

Tensor to_levels_cuda(const Tensor& storage, const Tensor& windows, const Tensor& records, int64_t channels,
                      bool interleaved, int64_t values) {
  check_values(storage, windows, records, channels, values);
  const int32_t device = records.get_device_index();
  const torch::stable::accelerator::DeviceGuard guard(device);
  const Tensor out = torch::stable::empty({values}, ScalarType::Byte, std::nullopt, records.device());
  const int64_t draws = records.size(0);
  if (draws == 0 || values == 0) return out;
  Gpu gpu{};
  STD_CUDA_CHECK(find_gpu(device, gpu));
  constexpr unsigned kThreads = 256;
  constexpr int64_t kBlocksHeld = 8, kMostPerDraw = 256;  // per multiprocessor; per draw
  const int64_t wanted = kBlocksHeld * gpu.multiprocessors;
  const int64_t per_draw = std::clamp<int64_t>((wanted + draws - 1) / draws, 1, kMostPerDraw);
  STD_TORCH_CHECK(draws * per_draw < int64_t{1} << 31, "records must be fewer than 2^31, got ", draws);
  with_value(storage.scalar_type(), [&](auto value) {
    using Value = decltype(value);
    const Values<Value> all{reinterpret_cast<const Value*>(readable(storage)),
                            storage.numel(),
                            static_cast<const ValueWindow*>(windows.const_data_ptr()),
                            static_cast<const Recipe*>(records.const_data_ptr()),
                            static_cast<int>(channels),
                            interleaved,
                            static_cast<uint8_t*>(out.mutable_data_ptr()),
                            values,
                            static_cast<unsigned>(per_draw)};
    to_levels_kernel<Value><<<static_cast<unsigned>(draws * per_draw), kThreads, 0, current_stream(device)>>>(all);
    STD_CUDA_KERNEL_LAUNCH_CHECK();
  });
  return out;
}

}  // namespace gpuaug

STABLE_TORCH_LIBRARY_IMPL(gpuaug, CUDA, library) { library.impl("to_levels", TORCH_BOX(&gpuaug::to_levels_cuda)); }
