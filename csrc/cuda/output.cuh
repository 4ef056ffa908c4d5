// From a tile's finished levels to the output: through the table, in vectors, neighbouring threads side by side in
// memory whatever its order.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "cuda/shared.cuh"

namespace gpuaug {

constexpr int kVector = 8;  // elements that a thread writes at a time

// Value is the output's element: the byte itself, which has no table, or what the table holds for it.
template <typename Value>
__device__ inline void load_table(const Shared& shared, const Batch& batch, int64_t draw) {
  if constexpr (sizeof(Value) == 1) return;
  const auto* from =
      reinterpret_cast<const uint32_t*>(static_cast<const Value*>(batch.table) + draw * batch.table_per_draw);
  const int words = batch.channels * 256 * static_cast<int>(sizeof(Value)) / 4;
  for (int i = static_cast<int>(threadIdx.x); i < words; i += static_cast<int>(blockDim.x)) {
    shared.table<uint32_t>()[i] = __ldg(from + i);
  }
}

// To an address that is a multiple of 16 bytes, or of 8 where that is all.
__device__ inline void store(uint8_t* to, const uint8_t v[8]) {
  const auto word = [&](int i) { return uint32_t{v[i]} | v[i + 1] << 8 | v[i + 2] << 16 | uint32_t{v[i + 3]} << 24; };
  *reinterpret_cast<uint2*>(to) = {word(0), word(4)};
}

__device__ inline void store(uint16_t* to, const uint16_t v[8]) {
  const auto word = [&](int i) { return uint32_t{v[i]} | uint32_t{v[i + 1]} << 16; };
  *reinterpret_cast<uint4*>(to) = {word(0), word(2), word(4), word(6)};
}

__device__ inline void store(uint32_t* to, const uint32_t v[8]) {
  reinterpret_cast<uint4*>(to)[0] = {v[0], v[1], v[2], v[3]};
  reinterpret_cast<uint4*>(to)[1] = {v[4], v[5], v[6], v[7]};
}

// Planes whose rows are whole vectors: a strip of levels becomes one vector.
template <typename Value>
__device__ inline void write_strips(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  const Tiling& tiling = shared.tiling;
  const Lane lane(tiling.narrow);
  const int rows = plan.y.extent, pitch = tiling.strips * kStripWidth;
  const int64_t x = plan.x.begin + lane.strip * kStripWidth;
  const int64_t row_step = batch.width * lane.step, plane_step = (batch.height - rows) * batch.width;
  // Where a strip's levels are, where they go and by which table; moved on, which takes fewer instructions than finding
  // them anew.
  int channel = 0, row = lane.row;
  const uint8_t* levels = shared.finished() + row * pitch + lane.strip * kStripWidth;
  const Value* table = shared.table<Value>();
  Value* to = static_cast<Value*>(batch.out) + plan.draw * out_per_draw(batch) + (plan.y.begin + row) * batch.width + x;
  const auto settle = [&] {
    for (; row >= rows; row -= rows, ++channel) {
      levels += (tiling.rows - rows) * pitch;
      table += 256;
      to += plane_step;
    }
  };
  settle();
  if (lane.row >= lane.step || x >= batch.width) channel = batch.channels;  // none for this thread
  while (channel < batch.channels) {
    const uint2 own = *reinterpret_cast<const uint2*>(levels);
    if constexpr (sizeof(Value) == 1) {
      *reinterpret_cast<uint2*>(to) = own;
    } else {
      Value values[kVector];
#pragma unroll
      for (int j = 0; j < kVector; ++j) values[j] = table[__byte_perm(j < 4 ? own.x : own.y, 0, 0x4440 + j % 4)];
      store(to, values);
    }
    row += lane.step;
    levels += lane.step * pitch;
    to += row_step;
    settle();
  }
}

// Any width, and channels side by side: vectors begin where memory is aligned, and a row's first and last elements,
// which fill no vector, are written one by one.
template <typename Value>
__device__ inline void write_elements(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  constexpr int kAlignment = sizeof(Value) == 4 ? 4 : 8;  // elements
  const Tiling& tiling = shared.tiling;
  const Strides strides = out_strides(batch);
  const int side = batch.channels_last ? batch.channels : 1, planes = batch.channels / side;
  const int pitch = tiling.strips * kStripWidth, plane = tiling.rows * pitch;
  const int count = plan.x.extent * side;
  const Divisor by_side = divisor(side);
  const Lane lane(tiling.outputs);
  Value* out = static_cast<Value*>(batch.out) + plan.draw * out_per_draw(batch) + plan.y.begin * strides.row +
               plan.x.begin * strides.column;
  each_row(lane, plan.y.places, planes, [&](int channel, int row) {
    Value* to = out + channel * strides.channel + row * strides.row;
    const int before = static_cast<int>(reinterpret_cast<uintptr_t>(to) / sizeof(Value) % kAlignment);
    const int first = lane.strip * kVector - before;
    if (first >= count) return;
    const uint8_t* levels = shared.finished() + channel * plane + row * pitch;
    const Value* table = shared.table<Value>() + channel * 256;
    // An element's pixel and channel; before the row's first element, that one's.
    int x = by_side.quotient(max(first, 0)), c = max(first, 0) - x * side;
    Value values[kVector];
#pragma unroll
    for (int j = 0; j < kVector; ++j) {
      const uint8_t level = levels[c * plane + min(x, plan.x.extent - 1)];
      if constexpr (sizeof(Value) == 1) {
        values[j] = level;
      } else {
        values[j] = table[c * 256 + level];
      }
      if (first + j < 0) continue;
      const bool last = ++c == side;
      c = last ? 0 : c;
      x += last;
    }
    if (first >= 0 && first + kVector <= count) {
      store(to + first, values);
      return;
    }
#pragma unroll
    for (int j = 0; j < kVector; ++j) {
      if (first + j >= 0 && first + j < count) to[first + j] = values[j];
    }
  });
}

template <typename Value>
__device__ inline void write(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  if (shared.tiling.vectors) {
    write_strips<Value>(shared, plan, batch);
  } else {
    write_elements<Value>(shared, plan, batch);
  }
}

}  // namespace gpuaug
