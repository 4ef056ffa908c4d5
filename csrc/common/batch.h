// The arguments of a kernel: one batch of draws, as plain pointers and sizes. No torch headers here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/layout.h"
#include "common/portable.h"

namespace gpuaug {

constexpr size_t kTableAlignment = 4;  // bytes; a table is read in words, for any type of its elements

struct Measured;

// Addresses are aligned to their elements, that of the table to kTableAlignment, that of the storage not at all.
struct Batch {
  const uint8_t* storage;  // every source image, flat
  int64_t storage_bytes;
  bool interleaved;  // source images are HWC; if false, CHW

  const Recipe* recipes;  // one per draw
  int64_t draws;

  const void* table;       // output value of each (channel, byte), or null: the bytes themselves
  int64_t table_per_draw;  // entries from one draw's table to the next; 0 if all draws share one

  void* out;  // (draws, channels, height, width); null if levels are counted into `measured` instead
  int channels;
  int64_t height, width;
  bool channels_last;  // memory order of out

  // The slope and start of the line through each channel's table, for kernels that compute it; or null.
  const double* scale_shift = nullptr;

  // For a kernel that measures draws with measured curves in a launch of its own: one for each draw. Null if there
  // are none.
  Measured* measured = nullptr;
};

// Whether a recipe reads inside the storage. A recipe on the device was not checked by the host, so it may hold
// anything.
GPUAUG_HOST_DEVICE bool readable(const Batch& batch, const Recipe& recipe) {
  if (recipe.height < 1 || recipe.width < 1 || recipe.offset < 0) return false;
  const int64_t limit = batch.storage_bytes - recipe.offset;
  if (recipe.height > limit || recipe.width > limit) return false;
  // In 128 bits the product cannot overflow, and a division would be slow on a GPU.
  return static_cast<unsigned __int128>(recipe.height) * static_cast<uint64_t>(recipe.width) *
             static_cast<unsigned>(batch.channels) <=
         static_cast<uint64_t>(limit);
}

// Steps through memory, in elements.
struct Strides {
  int64_t row, column, channel;
};

GPUAUG_HOST_DEVICE Strides source_strides(const Batch& batch, const Recipe& recipe) {
  if (batch.interleaved) return {recipe.width * batch.channels, batch.channels, 1};
  return {recipe.width, 1, recipe.height * recipe.width};
}

GPUAUG_HOST_DEVICE Strides out_strides(const Batch& batch) {
  if (batch.channels_last) return {batch.width * batch.channels, batch.channels, 1};
  return {batch.width, 1, batch.height * batch.width};
}

GPUAUG_HOST_DEVICE int64_t out_per_draw(const Batch& batch) { return batch.channels * batch.height * batch.width; }

// Calls run(element) with a type of the size of the output's elements: tables hold finished values, so that only the
// size matters.
template <typename Run>
void with_element(int64_t size, const Run& run) {
  if (size == 1) return run(uint8_t{});
  if (size == 2) return run(uint16_t{});
  run(uint32_t{});
}

}  // namespace gpuaug
