// From a finished tile to the output of one channel a row. Vectors begin where memory is aligned; where the rows of the
// output are not whole vectors, each row begins at another place inside one.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "cuda/output.cuh"
#include "cuda/shared.cuh"

namespace gpuaug {

// Rows that are whole vectors: a strip of levels becomes one vector.
template <typename Value>
__device__ inline void write_strips(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  const Tiling& tiling = shared.tiling;
  const Lane lane(tiling.narrow);
  const int pitch = tiling.strips * kStripWidth, plane = tiling.rows * pitch, x = lane.strip * kStripWidth;
  if (x >= plan.x.extent) return;
  Value* out =
      static_cast<Value*>(batch.out) + plan.draw * out_per_draw(batch) + plan.y.begin * batch.width + plan.x.begin + x;
  each_row(lane, plan.y.places, batch.channels, [&](int channel, int row) {
    const uint2 own = *reinterpret_cast<const uint2*>(shared.finished() + channel * plane + row * pitch + x);
    put_vector(out + (channel * batch.height + row) * batch.width, ChannelTable<Value>(shared, channel), own);
  });
}

// How many elements of a vector come before this one.
template <typename Value>
__device__ inline int place_in_vector(const Value* at) {
  return static_cast<int>(reinterpret_cast<uintptr_t>(at) / sizeof(Value) % kVector);
}

// One row of a tile: its levels, and where they go.
template <typename Value>
struct OutputRow {
  const uint8_t* levels;
  Value* to;
  int before;  // elements of the vector that it begins in

  __device__ OutputRow(const Shared& shared, const TilePlan& plan, const Batch& batch, int channel, int row) {
    const int line = channel * shared.tiling.rows + row;
    levels = shared.finished() + line * shared.tiling.strips * kStripWidth;
    to = static_cast<Value*>(batch.out) + plan.draw * out_per_draw(batch) +
         (channel * batch.height + plan.y.begin + row) * batch.width + plan.x.begin;
    before = place_in_vector(to);
  }
};

// Eight levels that begin anywhere in the first of three words; of `past`, in bits, the last five count.
__device__ inline uint2 eight_levels(const uint32_t* words, unsigned past) {
  const uint32_t first = words[0], second = words[1], third = words[2];
  return {__funnelshift_r(first, second, past), __funnelshift_r(second, third, past)};
}

// From any place of a row on, or before it.
__device__ inline uint2 eight_levels(const uint8_t* row, int place) {
  return eight_levels(reinterpret_cast<const uint32_t*>(row) + (place >> 2), static_cast<unsigned>(place) * 8);
}

// The vectors that lie inside rows. Rows eight apart begin at the same place inside a vector: a thread takes a vector
// of such rows, one after another.
template <typename Value>
__device__ inline void write_inside(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  const Tiling& tiling = shared.tiling;
  constexpr int kStep = kVector;
  const int strips = tiling.strips, end = strips * tiling.channels * kStep, threads = static_cast<int>(blockDim.x);
  const int rows = plan.y.extent;
  for (int i = static_cast<int>(threadIdx.x); i < end; i += threads) {
    const int line = tiling.narrow.quotient(i), channel = line / kStep, first_row = line % kStep;
    const OutputRow<Value> first(shared, plan, batch, channel, first_row);
    const int x = (i - line * strips) * kVector + (kVector - first.before) % kVector;
    if (x + kVector > plan.x.extent) continue;
    const ChannelTable<Value> table(shared, channel);
    const auto* words = reinterpret_cast<const uint32_t*>(first.levels) + (x >> 2);
    const auto past = static_cast<unsigned>(x) * 8;
    Value* to = first.to + x;
    const int64_t step = batch.width * kStep;
#pragma unroll 1
    for (int row = first_row; row < rows; row += kStep) {
      put_vector(to, table, eight_levels(words, past));
      words += kStep * strips * (kStripWidth / 4);
      to += step;
    }
  }
}

// Some of a vector's elements.
template <typename Value>
__device__ inline void put_some(Value* vector, const ChannelTable<Value>& table, uint2 levels, int begin, int end) {
#pragma unroll 1
  for (int j = begin; j < end; ++j) vector[j] = table.of((j < 4 ? levels.x : levels.y) >> (j % 4 * 8), 0);
}

// The rest of rows that are the output's whole rows: a row's end and the beginning of the next share a vector.
template <typename Value>
__device__ inline void write_seams(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  const Tiling& tiling = shared.tiling;
  const int rows = plan.y.extent, gap = tiling.strips * kStripWidth - plan.x.extent;
  const int threads = static_cast<int>(blockDim.x);
  for (int i = static_cast<int>(threadIdx.x); i < (rows + 1) * tiling.channels; i += threads) {
    const int row = tiling.colors.quotient(i), channel = i - row * tiling.channels;
    const OutputRow<Value> own(shared, plan, batch, channel, row);
    if (own.before == 0) continue;
    const uint2 above = eight_levels(own.levels, -own.before - gap), levels = eight_levels(own.levels, -own.before);
    const auto mix = [&](uint32_t four_above, uint32_t four, int of_above) {
      const uint32_t keep = of_above >= 4 ? 0 : of_above <= 0 ? ~0u : ~0u << (of_above * 8);
      return (four & keep) | (four_above & ~keep);
    };
    const uint2 mixed{mix(above.x, levels.x, own.before), mix(above.y, levels.y, own.before - 4)};
    Value* vector = own.to - own.before;
    const ChannelTable<Value> table(shared, channel);
    if (row > 0 && row < rows) {
      put_vector(vector, table, mixed);
    } else {
      put_some(vector, table, mixed, row == 0 ? own.before : 0, row == 0 ? kVector : own.before);
    }
  }
}

// The rest of rows that are parts of the output's, or shorter than a vector.
template <typename Value>
__device__ inline void write_ends(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  const Tiling& tiling = shared.tiling;
  const int extent = plan.x.extent, threads = static_cast<int>(blockDim.x);
  for (int i = static_cast<int>(threadIdx.x); i < plan.y.extent * tiling.channels; i += threads) {
    const int row = tiling.colors.quotient(i), channel = i - row * tiling.channels;
    const OutputRow<Value> own(shared, plan, batch, channel, row);
    const ChannelTable<Value> table(shared, channel);
    const int before = own.before, last = extent - place_in_vector(own.to + extent);
    if (before > 0) {
      put_some(own.to - before, table, eight_levels(own.levels, -before), before, min(before + extent, kVector));
    }
    if (last >= 0) put_some(own.to + last, table, eight_levels(own.levels, last), 0, extent - last);
  }
}

template <typename Value>
__device__ inline void write_rows(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  write_inside<Value>(shared, plan, batch);
  if (plan.x.extent == batch.width && plan.x.extent >= kVector) {
    write_seams<Value>(shared, plan, batch);
  } else {
    write_ends<Value>(shared, plan, batch);
  }
}

}  // namespace gpuaug
