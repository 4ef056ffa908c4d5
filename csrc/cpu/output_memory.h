// The memory of large outputs on the CPU: an output reuses the memory of freed ones.
#pragma once

#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <cstdint>

namespace gpuaug {

// An uninitialized tensor (draws, channels, height, width). On Linux, a tensor of 1 MiB or more is in memory that
// PyTorch did not allocate: like one from NumPy, it cannot grow in place (`resize_`).
torch::stable::Tensor new_output_cpu(int64_t draws, int64_t channels, int64_t height, int64_t width,
                                     torch::headeronly::ScalarType dtype, bool channels_last);

}  // namespace gpuaug
