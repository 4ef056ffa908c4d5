// Checks of the tensors that ops are called with, before their memory is read.
#pragma once

#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

#include <cstdint>

namespace gpuaug {

// A tensor may reach beyond its memory: `untyped_storage().resize_` frees or shrinks the memory under it.
inline void check_extent(const torch::stable::Tensor& tensor, const char* name) {
  if (tensor.numel() == 0) return;
  int64_t bytes = 0;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_storage_size(tensor.get(), &bytes));
  // In 128 bits, as sizes and strides may be anything.
  using Wide = __int128;
  Wide last = tensor.storage_offset();
  for (int64_t d = 0; d < tensor.dim(); ++d) last += Wide{tensor.size(d) - 1} * tensor.stride(d);
  const auto element = static_cast<int64_t>(tensor.element_size());
  STD_TORCH_CHECK((last + 1) * element <= bytes, name, " must lie in its storage, which has ", bytes,
                  " bytes: fewer than the tensor has");
  STD_TORCH_CHECK(tensor.const_data_ptr() != nullptr, name, " must have memory");
}

// The memory of another library (`torch.frombuffer`) may begin between two elements.
inline void check_memory(const torch::stable::Tensor& tensor, const char* name) {
  if (tensor.numel() == 0) return;
  check_extent(tensor, name);
  const auto element = static_cast<int64_t>(tensor.element_size());
  const auto address = reinterpret_cast<uintptr_t>(tensor.const_data_ptr());
  STD_TORCH_CHECK(address % static_cast<uintptr_t>(element) == 0, name, " must be aligned to its elements of ", element,
                  " bytes");
}

inline void check_words(const torch::stable::Tensor& tensor, const char* name) {
  STD_TORCH_CHECK(tensor.scalar_type() == torch::headeronly::ScalarType::Long && tensor.dim() == 1, name,
                  " must be int64 (n)");
  check_memory(tensor, name);
}

}  // namespace gpuaug
