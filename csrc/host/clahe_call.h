// Makes the arguments of a kernel from the tensors of the op `clahe`: the checks that both backends share.
#pragma once

#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

#include <cstdint>
#include <optional>

#include "common/clahe.h"
#include "host/arguments.h"

namespace gpuaug {

// Whether the elements follow one another in the order of these dimensions.
inline bool follow(const torch::stable::Tensor& tensor, std::initializer_list<int64_t> dimensions) {
  int64_t step = tensor.numel();
  for (const int64_t d : dimensions) {
    step /= tensor.size(d) > 0 ? tensor.size(d) : 1;
    if (tensor.size(d) > 1 && tensor.stride(d) != step) return false;
  }
  return true;
}

inline ClaheCall clahe_call(const torch::stable::Tensor& images, const std::optional<torch::stable::Tensor>& rows,
                            const torch::stable::Tensor& clip_limit, int64_t down, int64_t across) {
  using torch::headeronly::ScalarType;
  STD_TORCH_CHECK(images.device() == clip_limit.device() && (!rows || rows->device() == images.device()),
                  "images, rows and clip_limit must be on one device");
  STD_TORCH_CHECK(images.scalar_type() == ScalarType::Byte && images.dim() == 4 &&
                      (images.numel() == 0 || follow(images, {0, 1, 2, 3}) || follow(images, {0, 2, 3, 1})),
                  "images must be contiguous or channels_last uint8 (N, C, H, W)");
  check_memory(images, "images");
  if (rows) check_words(*rows, "rows");
  const int64_t draws = rows ? rows->size(0) : images.size(0);
  STD_TORCH_CHECK(clip_limit.scalar_type() == ScalarType::Float && clip_limit.dim() == 1 && clip_limit.size(0) == draws,
                  "clip_limit must be float32 (", draws, ",)");
  check_memory(clip_limit, "clip_limit");
  const int64_t height = images.size(2), width = images.size(3);
  STD_TORCH_CHECK(down >= 1 && down < height && across >= 1 && across < width, "down and across must be in [1, ",
                  height, ") and [1, ", width, "), got ", down, " and ", across);
  const auto area = static_cast<unsigned __int128>(height / down + 1) * static_cast<uint64_t>(width / across + 1);
  STD_TORCH_CHECK(area <= static_cast<uint64_t>(kMostCounted), "a tile must have at most ", kMostCounted,
                  " pixels, got ", height / down + 1, " x ", width / across + 1);
  const int64_t channels = images.size(1);
  return {static_cast<uint8_t*>(images.mutable_data_ptr()),
          images.size(0),
          channels == 4 ? kMostColored : channels,
          {images.stride(0), images.stride(1), images.stride(2), images.stride(3)},
          rows ? static_cast<const int64_t*>(rows->const_data_ptr()) : nullptr,
          rows ? rows->stride(0) : 0,
          draws,
          static_cast<const float*>(clip_limit.const_data_ptr()),
          clip_limit.stride(0),
          TileGrid::of(height, width, down, across)};
}

}  // namespace gpuaug
