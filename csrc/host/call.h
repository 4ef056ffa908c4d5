// Makes a Batch from the op's tensors: the checks and the allocation that both backends share.
#pragma once

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

#include <array>
#include <cstdint>
#include <optional>

#include "common/batch.h"
#include "host/arguments.h"

namespace gpuaug {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

struct Call {
  Batch batch;
  Tensor out;
  int64_t element_size;
  std::array<std::optional<Tensor>, 3> inputs;  // records, table and scale_shift, to which the batch points
};

// The tensor, or an aligned copy if its address is not a multiple of the given number of bytes. A tensor may begin at
// any element of its storage, and a storage that PyTorch did not allocate at any byte. A GPU traps at misaligned
// addresses.
inline Tensor aligned(const Tensor& tensor, size_t bytes) {
  const bool is_aligned = reinterpret_cast<uintptr_t>(tensor.const_data_ptr()) % bytes == 0;
  return is_aligned ? tensor : torch::stable::clone(tensor);
}

inline void check_records(const Tensor& records) {
  STD_TORCH_CHECK(records.scalar_type() == ScalarType::Long && records.dim() == 2 && records.is_contiguous() &&
                      records.size(1) == static_cast<int64_t>(kRecipeWords),
                  "records must be contiguous int64 (N, ", kRecipeWords, ")");
  check_extent(records, "records");
}

// Checks the size of the output: its bytes, at most four for each element, fit 64 bits.
inline void check_out_size(int64_t draws, int64_t channels, int64_t height, int64_t width) {
  STD_TORCH_CHECK(height >= 1 && width >= 1, "the output size must be positive, got ", height, " x ", width);
  int64_t left = (int64_t{1} << 60) / channels;
  for (const int64_t size : {draws, height, width}) left /= size > 0 ? size : 1;
  STD_TORCH_CHECK(left > 0, "the output is too large: ", draws, " x ", channels, " x ", height, " x ", width);
}

// new_output is called with (draws, channels, height, width, dtype, channels_last).
template <typename NewOutput>
Call prepare(const Tensor& storage, const Tensor& records, const std::optional<Tensor>& table, int64_t channels,
             int64_t height, int64_t width, bool interleaved, bool channels_last,
             const std::optional<Tensor>& scale_shift, const NewOutput& new_output) {
  STD_TORCH_CHECK(storage.scalar_type() == ScalarType::Byte && storage.dim() == 1 && storage.is_contiguous(),
                  "storage must be flat, contiguous uint8");
  check_records(records);
  // A GPU may read page-locked memory of the host; its op checks that.
  STD_TORCH_CHECK(storage.device() == records.device() || storage.is_cpu(),
                  "storage and records must be on one device");
  STD_TORCH_CHECK(channels >= 1 && channels <= 4, "channels must be in [1, 4], got ", channels);
  const int64_t draws = records.size(0);
  auto dtype = ScalarType::Byte;
  int64_t table_per_draw = 0;
  if (table) {
    STD_TORCH_CHECK(table->device() == records.device(), "records and table must be on one device");
    STD_TORCH_CHECK(table->dim() == 3 && table->is_contiguous() && table->size(1) == channels &&
                        table->size(2) == 256 && (table->size(0) == 1 || table->size(0) == draws),
                    "table must be contiguous (1 or N, C, 256)");
    dtype = table->scalar_type();
    STD_TORCH_CHECK(dtype == ScalarType::Float || dtype == ScalarType::Half || dtype == ScalarType::BFloat16,
                    "table must be float32, float16 or bfloat16");
    table_per_draw = table->size(0) == 1 ? 0 : channels * 256;
  }
  if (scale_shift) {
    STD_TORCH_CHECK(
        table && scale_shift->device() == table->device() && scale_shift->scalar_type() == ScalarType::Double &&
            scale_shift->dim() == 3 && scale_shift->is_contiguous() && scale_shift->size(0) == table->size(0) &&
            scale_shift->size(1) == channels && scale_shift->size(2) == 2,
        "scale_shift must be contiguous float64 (1 or N, C, 2), on the device of the table that it describes");
  }
  check_extent(storage, "storage");
  if (table) check_extent(*table, "table");
  if (scale_shift) check_extent(*scale_shift, "scale_shift");
  check_out_size(draws, channels, height, width);
  const Tensor own_records = aligned(records, alignof(Recipe));
  const auto own_table = table ? std::optional(aligned(*table, kTableAlignment)) : std::nullopt;
  const auto own_scale_shift = scale_shift ? std::optional(aligned(*scale_shift, alignof(double))) : std::nullopt;
  Tensor out = new_output(draws, channels, height, width, dtype, channels_last);
  const Batch batch{static_cast<const uint8_t*>(storage.const_data_ptr()),
                    storage.numel(),
                    interleaved,
                    static_cast<const Recipe*>(own_records.const_data_ptr()),
                    draws,
                    table ? own_table->const_data_ptr() : nullptr,
                    table_per_draw,
                    out.mutable_data_ptr(),
                    static_cast<int>(channels),
                    height,
                    width,
                    channels_last,
                    scale_shift ? static_cast<const double*>(own_scale_shift->const_data_ptr()) : nullptr};
  const auto element_size = static_cast<int64_t>(out.element_size());
  return {batch, std::move(out), element_size, {own_records, own_table, own_scale_shift}};
}

}  // namespace gpuaug
