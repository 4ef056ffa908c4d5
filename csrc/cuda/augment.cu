// The op `augment` on CUDA: one launch on the current stream, preceded by another one for measured curves; no
// synchronization. Any number of threads may call it, and a graph may capture it.
#include <cuda_runtime.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/macros.h>
#include <torch/headeronly/core/MemoryFormat.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "cuda/gpu.h"
#include "cuda/kernel.cuh"
#include "cuda/measured.h"
#include "cuda/on_device.h"
#include "host/call.h"

namespace gpuaug {

using torch::headeronly::MemoryFormat;

namespace {

// As many blocks as the device holds at a time, or as there are tiles; each block steps from tile to tile. So a grid
// has a few thousand blocks for any size of the batch. A block consists of whole warps, but nothing relies on the lanes
// of a warp being in step: threads share data across barriers only, and tests/ptx rejects shuffles, votes and barriers
// of a warp.
template <int64_t kStages, typename Value>
void launch(const Batch& batch, int64_t stages, int32_t device, cudaStream_t stream) {
  Gpu gpu{};
  STD_CUDA_CHECK(find_gpu(device, gpu));
  Tiling tiling = tiling_of(batch, stages, sizeof(Value), gpu);
  const auto kernel = augment_kernel<kStages, Value>;
  const auto shared = static_cast<size_t>(tiling.shared);
  int resident = 0;
  STD_CUDA_CHECK(find_resident(reinterpret_cast<const void*>(kernel), device, tiling.threads, shared, resident));
  const int64_t most = std::max<int64_t>(1, int64_t{resident} * gpu.multiprocessors);
  const auto blocks = static_cast<unsigned>(std::min(tiling.per_draw * batch.draws, most));
  spread(tiling, blocks);
  kernel<<<blocks, static_cast<unsigned>(tiling.threads), shared, stream>>>(batch, tiling);
  STD_CUDA_KERNEL_LAUNCH_CHECK();
}

// kCounts: 0, or kStatistics.
template <int64_t kCounts, typename Value>
void launch_variant(const Batch& batch, int64_t stages, int32_t device, cudaStream_t stream) {
  switch (stages & (kBlur | kShrink)) {
    case 0:
      return launch<kCounts, Value>(batch, stages, device, stream);
    case kBlur:
      return launch<kCounts | kBlur, Value>(batch, stages, device, stream);
    case kShrink:
      return launch<kCounts | kShrink, Value>(batch, stages, device, stream);
    default:
      return launch<kCounts | kShrink | kBlur, Value>(batch, stages, device, stream);
  }
}

// Makes the tables of draws with measured curves, and returns their memory.
Tensor measure(Batch& batch, int64_t stages, int32_t device, cudaStream_t stream, const Tensor& like) {
  STD_TORCH_CHECK(batch.height <= kMostCounted / batch.width, "curves that go by the image take at most ", kMostCounted,
                  " pixels, got ", batch.height, " x ", batch.width);
  const auto bytes = static_cast<int64_t>(sizeof(Measured)) * batch.draws;
  Tensor memory = torch::stable::empty({bytes}, ScalarType::Byte, std::nullopt, like.device());
  STD_CUDA_CHECK(cudaMemsetAsync(memory.mutable_data_ptr(), 0, static_cast<size_t>(bytes), stream));
  batch.measured = static_cast<Measured*>(memory.mutable_data_ptr());
  launch_variant<kStatistics, uint8_t>(counted(batch), stages, device, stream);
  return memory;
}

}  // namespace

Tensor augment_cuda(const Tensor& storage, const Tensor& records, const std::optional<Tensor>& table, int64_t channels,
                    int64_t height, int64_t width, bool interleaved, int64_t stages, bool channels_last,
                    const std::optional<Tensor>& scale_shift) {
  const int32_t device = records.get_device_index();
  // The output, the occupancy and the launch use the current device, which may differ from that of the recipes.
  const torch::stable::accelerator::DeviceGuard guard(device);
  const auto new_output = [&](int64_t n, int64_t c, int64_t h, int64_t w, ScalarType dtype, bool last) {
    return torch::stable::empty({n, c, h, w}, dtype, std::nullopt, records.device(), std::nullopt,
                                last ? MemoryFormat::ChannelsLast : MemoryFormat::Contiguous);
  };
  auto call =
      prepare(storage, records, table, channels, height, width, interleaved, channels_last, scale_shift, new_output);
  if (call.batch.draws == 0) return call.out;
  call.batch.storage = readable(storage);
  // Aligned copies and measurements are freed when this returns, before the kernel has run. PyTorch reuses such memory
  // only for later work on the same stream, and memory that was allocated during a capture only within the graph.
  const cudaStream_t stream = current_stream(device);
  std::optional<Tensor> measured;
  if (are_measured(stages)) measured = measure(call.batch, stages, device, stream, records);
  with_element(call.element_size,
               [&](auto element) { launch_variant<0, decltype(element)>(call.batch, stages, device, stream); });
  return call.out;
}

}  // namespace gpuaug

STABLE_TORCH_LIBRARY_IMPL(gpuaug, CUDA, library) { library.impl("augment", TORCH_BOX(&gpuaug::augment_cuda)); }
