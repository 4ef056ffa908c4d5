// The op `clahe` on CUDA. One launch makes the tables of all tiles, one tile to a block; the next blends the pixels,
// one cell to a block. Blocks step from one to the next, and may have any number of threads.
#pragma once

#include <cstdint>

#include "common/clahe.h"
#include "cuda/shared.cuh"

namespace gpuaug {

constexpr int kClaheThreads = 256;

// The address of a channel of a draw; null if its row is out of range.
__device__ inline uint8_t* plane_of(const ClaheCall& call, int64_t plane) {
  const int64_t image = call.image_of(plane / call.colored), channel = plane % call.colored;
  return call.has(image) ? call.images + image * call.strides[0] + channel * call.strides[1] : nullptr;
}

// The shared memory of a block that makes a table.
struct TileCounts {
  uint32_t counts[kLevels];
  uint32_t sums[kLevels];  // the result of every other step
  uint32_t excess;
};

// tables is (planes, tiles, 256)
__global__ void __launch_bounds__(kClaheThreads) clahe_tables(const ClaheCall call, uint8_t* tables) {
  const TileGrid& grid = call.grid;
  const int64_t tiles = grid.tiles();
  const auto first = static_cast<int>(threadIdx.x), step = static_cast<int>(blockDim.x);
  TileCounts& shared = *reinterpret_cast<TileCounts*>(block_memory());
  for (int64_t unit = blockIdx.x; unit < call.planes() * tiles; unit += gridDim.x) {
    const int64_t plane = unit / tiles;
    const auto tile = static_cast<int>(unit % tiles);
    const uint8_t* levels = plane_of(call, plane);
    for (int level = first; level < kLevels; level += step) shared.counts[level] = 0;
    if (first == 0) shared.excess = 0;
    __syncthreads();  // nothing is counted
    const int64_t top = tile / grid.columns.tiles * grid.rows.tile;
    const int64_t left = tile % grid.columns.tiles * grid.columns.tile;
    const auto width = static_cast<uint32_t>(grid.columns.tile), area = static_cast<uint32_t>(grid.area);
    for (auto pixel = static_cast<uint32_t>(first); levels != nullptr && pixel < area; pixel += blockDim.x) {
      const int64_t y = grid.rows.mirrored(top + pixel / width), x = grid.columns.mirrored(left + pixel % width);
      atomicAdd(shared.counts + levels[y * call.strides[2] + x * call.strides[3]], 1u);
    }
    __syncthreads();  // the tile is counted
    const uint32_t most = most_kept(grid, call.clip_limit[plane / call.colored * call.clip_step]);
    for (int level = first; level < kLevels; level += step) {
      const uint32_t over = excess_of(shared.counts[level], most);
      shared.counts[level] -= over;
      if (over != 0) atomicAdd(&shared.excess, over);
    }
    __syncthreads();  // it is clipped
    const Shares shares(shared.excess);
    for (auto k = static_cast<uint32_t>(first); k < shares.rest; k += blockDim.x) ++shared.counts[k * shares.distance];
    __syncthreads();  // the rest is shared out
    // A prefix sum: each entry adds the entry at a distance before it, which doubles in each step. A step reads one
    // array and writes the other.
    uint32_t *from = shared.counts, *to = shared.sums;
    for (int far = 1; far < kLevels; far *= 2) {
      for (int level = first; level < kLevels; level += step) {
        to[level] = from[level] + (level >= far ? from[level - far] : 0);
      }
      __syncthreads();  // a step of the sums
      uint32_t* const other = from;
      from = to, to = other;
    }
    for (int level = first; level < kLevels; level += step) {
      const uint32_t all = from[level] + static_cast<uint32_t>(level + 1) * shares.each;
      tables[unit * kLevels + level] = level_of(grid, all);
    }
  }
}

__global__ void __launch_bounds__(kClaheThreads) clahe_blend(const ClaheCall call, const uint8_t* tables) {
  const TileGrid& grid = call.grid;
  const TileAxis &rows = grid.rows, &columns = grid.columns;
  const int64_t cells = rows.cells() * columns.cells();
  auto* corners = reinterpret_cast<uint32_t*>(block_memory());
  for (int64_t unit = blockIdx.x; unit < call.planes() * cells; unit += gridDim.x) {
    const int64_t plane = unit / cells, row = unit % cells / columns.cells(), column = unit % cells % columns.cells();
    uint8_t* levels = plane_of(call, plane);
    const auto of = [&](int64_t tile_row, int64_t tile_column) {
      return tables + ((plane * rows.tiles + tile_row) * columns.tiles + tile_column) * kLevels;
    };
    const uint8_t *above_before = of(rows.before(row), columns.before(column)),
                  *below_before = of(rows.after(row), columns.before(column)),
                  *above_after = of(rows.before(row), columns.after(column)),
                  *below_after = of(rows.after(row), columns.after(column));
    for (auto level = static_cast<int>(threadIdx.x); level < kLevels; level += static_cast<int>(blockDim.x)) {
      corners[level] = corners_of(above_before[level], below_before[level], above_after[level], below_after[level]);
    }
    __syncthreads();  // the corners are there
    const int64_t top = rows.begin(row), left = columns.begin(column);
    const auto width = static_cast<uint32_t>(columns.begin(column + 1) - left);
    const uint32_t pixels = levels ? width * static_cast<uint32_t>(rows.begin(row + 1) - top) : 0;
    for (uint32_t pixel = threadIdx.x; pixel < pixels; pixel += blockDim.x) {
      const int64_t y = top + pixel / width, x = left + pixel % width;
      uint8_t* level = levels + y * call.strides[2] + x * call.strides[3];
      *level = blended_level(corners[*level], columns.weight(column, x), rows.weight(row, y),
                             static_cast<uint32_t>(columns.steps), static_cast<uint32_t>(rows.steps), grid.of_blend);
    }
    __syncthreads();  // the next cell's may take their place
  }
}

}  // namespace gpuaug
