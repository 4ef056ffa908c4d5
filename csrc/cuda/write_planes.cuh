// From a finished tile to output with one channel in a row. Vectors begin at aligned addresses. If the rows of the
// output are not whole vectors, each row begins at another place inside a vector.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "cuda/output.cuh"
#include "cuda/shared.cuh"

namespace gpuaug {

// For rows of whole vectors: a strip of levels becomes one vector.
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

// The number of elements of a vector before this one.
template <typename Value>
__device__ inline int place_in_vector(const Value* at) {
  return static_cast<int>(reinterpret_cast<uintptr_t>(at) / sizeof(Value) % kVector);
}

// The rows of a tile, of all channels: their levels and their places in the output.
template <typename Value>
struct OutputRows {
  const uint8_t* finished;
  Value* out;
  int rows, pitch;
  int64_t height, width;

  __device__ OutputRows(const Shared& shared, const TilePlan& plan, const Batch& batch)
      : finished(shared.finished()),
        out(static_cast<Value*>(batch.out) + plan.draw * out_per_draw(batch) + plan.y.begin * batch.width +
            plan.x.begin),
        rows(shared.tiling.rows),
        pitch(shared.tiling.strips * kStripWidth),
        height(batch.height),
        width(batch.width) {}

  __device__ const uint8_t* levels(int channel, int row) const { return finished + (channel * rows + row) * pitch; }
  __device__ Value* to(int channel, int row) const { return out + (channel * height + row) * width; }
};

// Eight levels from any place in a row, or before it.
__device__ inline uint2 eight_levels(const uint8_t* row, int place) {
  const auto* words = reinterpret_cast<const uint32_t*>(row) + (place >> 2);
  const uint32_t first = words[0], second = words[1], third = words[2];
  const unsigned past = static_cast<unsigned>(place) * 8;  // only the low five bits count
  return {__funnelshift_r(first, second, past), __funnelshift_r(second, third, past)};
}

// The vectors inside rows. Rows eight apart begin at the same place inside a vector; a thread takes the same vector of
// such rows, one after another.
template <typename Value>
__device__ inline void write_inside(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  const Tiling& tiling = shared.tiling;
  constexpr int kStep = kVector;
  const int strips = tiling.strips, end = strips * tiling.channels * kStep, threads = static_cast<int>(blockDim.x);
  const int rows = plan.y.extent, extent = plan.x.extent;
  const OutputRows<Value> all(shared, plan, batch);
  const int step = kStep * all.pitch;
  const int64_t out_step = kStep * all.width * static_cast<int64_t>(sizeof(Value));
  for (int i = static_cast<int>(threadIdx.x); i < end; i += threads) {
    const int line = tiling.narrow.quotient(i), channel = line / kStep, first_row = line % kStep;
    Value* to = all.to(channel, first_row);
    const int x = (i - line * strips) * kVector + (kVector - place_in_vector(to)) % kVector;
    if (x + kVector > extent) continue;
    const ChannelTable<Value> table(shared, channel);
    const uint8_t* levels = all.levels(channel, first_row) + (x & ~3);
    auto* bytes = reinterpret_cast<unsigned char*>(to + x);
#pragma unroll 1
    for (int row = first_row; row < rows; row += kStep) {
      put_vector(reinterpret_cast<Value*>(bytes), table, eight_levels(levels, x & 3));
      levels += step;
      bytes += out_step;
    }
  }
}

// Some of a vector's elements.
template <typename Value>
__device__ inline void put_some(Value* vector, const ChannelTable<Value>& table, uint2 levels, int begin, int end) {
#pragma unroll 1
  for (int j = begin; j < end; ++j) vector[j] = table.of((j < 4 ? levels.x : levels.y) >> (j % 4 * 8), 0);
}

// The rest of rows that are whole rows of the output: the end of a row and the begin of the next one share a vector.
template <typename Value>
__device__ inline void write_seams(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  const Tiling& tiling = shared.tiling;
  const int rows = plan.y.extent, gap = tiling.strips * kStripWidth - plan.x.extent;
  const int threads = static_cast<int>(blockDim.x);
  const OutputRows<Value> all(shared, plan, batch);
  for (int i = static_cast<int>(threadIdx.x); i < (rows + 1) * tiling.channels; i += threads) {
    const int row = tiling.colors.quotient(i), channel = i - row * tiling.channels;
    Value* to = all.to(channel, row);
    const int before = place_in_vector(to);
    if (before == 0) continue;
    const uint8_t* own = all.levels(channel, row);
    const uint2 above = eight_levels(own, -before - gap), levels = eight_levels(own, -before);
    const auto mix = [&](uint32_t four_above, uint32_t four, int of_above) {
      const uint32_t keep = of_above >= 4 ? 0 : of_above <= 0 ? ~0u : ~0u << (of_above * 8);
      return (four & keep) | (four_above & ~keep);
    };
    const uint2 mixed{mix(above.x, levels.x, before), mix(above.y, levels.y, before - 4)};
    // Without this hint, nvcc does not know that the address is aligned, and stores words.
    auto* begin = reinterpret_cast<unsigned char*>(to) - before * static_cast<int>(sizeof(Value));
    auto* vector = static_cast<Value*>(__builtin_assume_aligned(begin, kVector * sizeof(Value)));
    const ChannelTable<Value> table(shared, channel);
    if (row > 0 && row < rows) {
      put_vector(vector, table, mixed);
    } else {
      put_some(vector, table, mixed, row == 0 ? before : 0, row == 0 ? kVector : before);
    }
  }
}

// The rest of rows that are parts of the output's rows, or shorter than a vector.
template <typename Value>
__device__ inline void write_ends(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  const Tiling& tiling = shared.tiling;
  const int extent = plan.x.extent, threads = static_cast<int>(blockDim.x);
  const OutputRows<Value> all(shared, plan, batch);
  for (int i = static_cast<int>(threadIdx.x); i < plan.y.extent * tiling.channels; i += threads) {
    const int row = tiling.colors.quotient(i), channel = i - row * tiling.channels;
    Value* to = all.to(channel, row);
    const uint8_t* own = all.levels(channel, row);
    const ChannelTable<Value> table(shared, channel);
    const int before = place_in_vector(to), last = extent - place_in_vector(to + extent);
    if (before > 0) {
      put_some(to - before, table, eight_levels(own, -before), before, min(before + extent, kVector));
    }
    if (last >= 0) put_some(to + last, table, eight_levels(own, last), 0, extent - last);
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
