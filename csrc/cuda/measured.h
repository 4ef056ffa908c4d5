// The statistics of draws with measured curves. A launch of its own counts their levels and makes the tables of their
// curves, on the device. No torch headers here.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "common/stages/statistics.h"

namespace gpuaug {

// The statistics of one draw; zeros before the launch.
struct Measured {
  uint32_t histograms[kMostColored * kLevels];  // the histograms of its color channels, after color
  uint32_t tiles;                               // the number of counted tiles
  uint8_t tables[kMostColored * kLevels];       // the tables of levels, once all tiles are counted
};

// The shared memory of a block that counts a tile.
struct Counting {
  uint32_t counts[kMostColored * kLevels];
  bool last;           // all tiles of the draw are counted
  TableMemory memory;  // the memory for making its tables
};

// The batch of the counting launch: without an output.
inline Batch counted(const Batch& batch) {
  Batch without = batch;
  without.out = nullptr;
  without.table = nullptr;
  without.table_per_draw = 0;
  return without;
}

}  // namespace gpuaug
