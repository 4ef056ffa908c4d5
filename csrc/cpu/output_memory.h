// The memory of large outputs on the CPU: what a tensor that is gone leaves behind, the next output takes over.
#pragma once

#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <cstdint>

namespace gpuaug {

// An uninitialised (draws, channels, height, width) tensor. On Linux, one of 1 MiB or more lies in memory that PyTorch
// did not allocate: like a tensor made from NumPy's memory it cannot grow in place (`resize_`).
torch::stable::Tensor new_output_cpu(int64_t draws, int64_t channels, int64_t height, int64_t width,
                                     torch::headeronly::ScalarType dtype, bool channels_last);

}  // namespace gpuaug
