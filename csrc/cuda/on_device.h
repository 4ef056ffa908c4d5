// The ops' queries to PyTorch: the stream to launch on, and the address at which a GPU reads a storage.
#pragma once

#include <cuda_runtime.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/util/Exception.h>

#include <cstdint>

#include "cuda/host_memory.h"

namespace gpuaug {

inline cudaStream_t current_stream(int32_t device) {
  void* stream = nullptr;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(device, &stream));
  return static_cast<cudaStream_t>(stream);
}

// An address in the GPU's own memory, or in page-locked memory of the host, read over the bus.
inline const uint8_t* readable(const torch::stable::Tensor& storage) {
  const auto* bytes = static_cast<const uint8_t*>(storage.const_data_ptr());
  if (!storage.is_cpu()) return bytes;
  const uint8_t* address = device_address(bytes, storage.numel() * static_cast<int64_t>(storage.element_size()));
  STD_TORCH_CHECK(address != nullptr,
                  "storage in the host's memory must be page-locked for a GPU to read it: pin_memory() makes it so");
  return address;
}

}  // namespace gpuaug
