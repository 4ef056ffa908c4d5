// The op `clahe` on CUDA: two launches on the current stream; no synchronization. A graph may capture it.
#include <cuda_runtime.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/macros.h>
#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "cuda/clahe.cuh"
#include "host/clahe_call.h"

namespace gpuaug {
namespace {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

unsigned blocks_of(int64_t units) {
  constexpr int64_t kMostBlocks = 1 << 20;  // larger grids step
  return static_cast<unsigned>(std::min(units, kMostBlocks));
}

}  // namespace

void clahe_cuda(Tensor images, const std::optional<Tensor>& rows, const Tensor& clip_limit, int64_t down,
                int64_t across) {
  const int32_t device = images.get_device_index();
  const torch::stable::accelerator::DeviceGuard guard(device);
  const ClaheCall call = clahe_call(images, rows, clip_limit, down, across);
  if (call.planes() == 0) return;
  void* current = nullptr;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(device, &current));
  auto* const stream = static_cast<cudaStream_t>(current);
  // Freed when this returns, before the kernels have run. PyTorch reuses such memory only for later work on the same
  // stream, and memory that was allocated during a capture only within the graph.
  const int64_t tiles = call.planes() * call.grid.tiles();
  const Tensor memory = torch::stable::empty({tiles, kLevels}, ScalarType::Byte, std::nullopt, images.device());
  auto* tables = static_cast<uint8_t*>(memory.mutable_data_ptr());
  clahe_tables<<<blocks_of(tiles), kClaheThreads, sizeof(TileCounts), stream>>>(call, tables);
  STD_CUDA_KERNEL_LAUNCH_CHECK();
  const int64_t cells = call.planes() * call.grid.rows.cells() * call.grid.columns.cells();
  clahe_blend<<<blocks_of(cells), kClaheThreads, kLevels * sizeof(uint32_t), stream>>>(call, tables);
  STD_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace gpuaug

STABLE_TORCH_LIBRARY_IMPL(gpuaug, CUDA, library) { library.impl("clahe", TORCH_BOX(&gpuaug::clahe_cuda)); }
