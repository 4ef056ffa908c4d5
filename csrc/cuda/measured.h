// What is known of draws whose curves go by the image: a launch of its own counts their levels and makes the tables of
// their curves, on the device alone. No torch headers here.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "common/stages/statistics.h"

namespace gpuaug {

// Of one draw; zeros before the launch.
struct Measured {
  uint32_t histograms[kMostColored * kLevels];  // of its colored channels, after color
  uint32_t tiles;                               // that are counted
  uint8_t tables[kMostColored * kLevels];       // once all are: what becomes of each level
};

// What a block keeps in shared memory while it counts a tile.
struct Counting {
  uint32_t counts[kMostColored * kLevels];
  bool last;           // the draw has no tile left that is not counted
  TableMemory memory;  // for its tables then
};

// What the launch that counts is given: no output.
inline Batch counted(const Batch& batch) {
  Batch without = batch;
  without.out = nullptr;
  without.table = nullptr;
  without.table_per_draw = 0;
  return without;
}

}  // namespace gpuaug
