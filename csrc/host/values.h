// Makes the arguments of a kernel from the tensors of the op `to_levels`: the checks that both backends share.
#pragma once

#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

#include <cstdint>

#include "common/layout.h"
#include "common/to_levels.h"
#include "host/arguments.h"

namespace gpuaug {

inline void check_values(const torch::stable::Tensor& storage, const torch::stable::Tensor& windows,
                         const torch::stable::Tensor& records, int64_t channels, int64_t values) {
  using torch::headeronly::ScalarType;
  const ScalarType dtype = storage.scalar_type();
  STD_TORCH_CHECK((dtype == ScalarType::Byte || dtype == ScalarType::Short || dtype == ScalarType::UInt16) &&
                      storage.dim() == 1 && storage.is_contiguous(),
                  "storage must be flat, contiguous uint8, uint16 or int16");
  STD_TORCH_CHECK(records.scalar_type() == ScalarType::Long && records.dim() == 2 && records.is_contiguous() &&
                      records.size(1) == static_cast<int64_t>(kRecipeWords),
                  "records must be contiguous int64 (N, ", kRecipeWords, ")");
  STD_TORCH_CHECK(windows.scalar_type() == ScalarType::Long && windows.dim() == 2 && windows.is_contiguous() &&
                      windows.size(0) == records.size(0) && windows.size(1) == 3,
                  "windows must be contiguous int64 (N, 3), N as of records");
  STD_TORCH_CHECK(windows.device() == records.device(), "windows and records must be on one device");
  STD_TORCH_CHECK(storage.device() == records.device() || storage.is_cpu(),
                  "storage and records must be on one device");
  STD_TORCH_CHECK(channels >= 1 && channels <= 64, "channels must be in [1, 64], got ", channels);
  STD_TORCH_CHECK(values >= 0 && values <= int64_t{1} << 60, "values must be in [0, 2^60], got ", values);
  check_memory(storage, "storage");
  check_memory(windows, "windows");
  check_memory(records, "records");
}

// Calls run(element) with the type of the storage's values.
template <typename Run>
void with_value(torch::headeronly::ScalarType dtype, const Run& run) {
  using torch::headeronly::ScalarType;
  if (dtype == ScalarType::Byte) return run(uint8_t{});
  if (dtype == ScalarType::UInt16) return run(uint16_t{});
  run(int16_t{});
}

}  // namespace gpuaug
