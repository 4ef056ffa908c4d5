// A block's shared memory: typed views of the parts that tiling.h lays out.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/stages/pointwise.h"
#include "cuda/measured.h"
#include "cuda/tile_plan.cuh"
#include "cuda/tiling.h"

namespace gpuaug {

// A row of a patch, blended down: an even and an odd source row, counted from the axis' first one, and their weights in
// 1/2^17.
struct alignas(16) RowTap {
  int even, odd;
  uint32_t even_weight, odd_weight;
};
static_assert(sizeof(RowTap) == kRowTapBytes);

// The filter of one column or row; count 0 for a zero border. An axis that does not shrink has the two weights of a
// blend.
struct AxisFilter {
  uint16_t weights[kMostTaps];
  uint16_t count;
  int first;  // the first source pixel, counted from the axis' window
};
static_assert(sizeof(AxisFilter) == kFilterBytes);

// CUDA provides a block's memory by a declaration; elsewhere the caller of the kernel does.
#ifdef __CUDACC__
__device__ inline unsigned char* block_memory() {
  extern __shared__ uint4 memory[];
  return reinterpret_cast<unsigned char*>(memory);
}
#else
unsigned char* block_memory();
#endif

// Returns the number, hiding from the compiler that it is the same: values that are read at it again are not kept in
// registers in between.
__device__ inline int read_anew(int place) {
#ifdef __CUDA_ARCH__
  asm volatile("" : "+r"(place));
#endif
  return place;
}

struct Shared {
  const Tiling& tiling;
  unsigned char* memory;

  __device__ TilePlan& plan(int which) const {
    return *reinterpret_cast<TilePlan*>(memory + tiling.plans + which * kTilePlanBytes);
  }
  template <typename Value>
  __device__ Value* table() const {
    return reinterpret_cast<Value*>(memory + tiling.table);
  }
  // The columns of a patch, blended across: the two taps of each, counted from the axis' first source pixel, and their
  // weights in 1/2^15, the second ones in the high halves.
  __device__ uint32_t* column_weights() const { return reinterpret_cast<uint32_t*>(memory + tiling.columns); }
  __device__ uint32_t* column_places() const { return column_weights() + tiling.wide.by * kStripWidth; }
  __device__ RowTap* row_taps() const { return reinterpret_cast<RowTap*>(memory + tiling.row_taps); }
  // The covers of the pixels of a tile's strips; see covers.cuh.
  __device__ uint32_t* picks() const { return reinterpret_cast<uint32_t*>(memory + tiling.picks); }
  __device__ Counting& counting() const { return *reinterpret_cast<Counting*>(memory + tiling.table); }
  // The tables of levels: one for all channels, or for a measured draw one for each channel.
  template <typename Stage>
  __device__ uint8_t* stage_tables() const {
    return memory + tiling.stage_tables + StagePlace<Stage>::kTable * kTableBytes;
  }
  __device__ uint8_t* finished() const { return memory + tiling.finished; }
  __device__ uint8_t* patch() const { return memory + tiling.patch; }
  __device__ uint16_t* fine() const { return reinterpret_cast<uint16_t*>(memory + tiling.fine); }
  __device__ AxisFilter* filters() const { return reinterpret_cast<AxisFilter*>(memory + tiling.filters); }
};

// The way of a block over strips: a thread keeps its column of strips and steps down from row to row.
struct Lane {
  int strip, row, step;  // row >= step: this thread has no strips

  __device__ Lane(Divisor strips) {
    const int thread = static_cast<int>(threadIdx.x), across = static_cast<int>(strips.by);
    row = strips.quotient(thread);
    strip = thread - row * across;
    step = strips.quotient(static_cast<int>(blockDim.x));
  }
  __device__ int begin(int end) const { return row < step ? row : end; }
};

// A column of strips of one channel, and this thread's rows of it, at most `most`. The thread goes down the rows, so
// that values that the rows share are computed once.
struct Column {
  int strip, channel, begin, end;

  __device__ Column(const Tiling& tiling, Divisor strips, int most, int rows) {
    const int thread = static_cast<int>(threadIdx.x), group = strips.quotient(thread);
    strip = thread - group * static_cast<int>(strips.by);
    const int part = tiling.colors.quotient(group);
    channel = group - part * tiling.channels;
    begin = part * most;
    end = min(begin + most, rows);
  }
};

// Calls body(channel, row) for the rows of all channels that a lane makes, one channel after the other.
template <typename Body>
__device__ inline void each_row(const Lane& lane, Divisor rows, int channels, const Body& body) {
  const int by = static_cast<int>(rows.by), end = by * channels;
  for (int i = lane.begin(end); i < end; i += lane.step) {
    const int channel = rows.quotient(i);
    body(channel, i - channel * by);
  }
}

// The destination of levels: the finished tile, covered by impulse noise and erasing; or the patch that the blur reads.
struct Levels {
  uint8_t* at;
  int pitch, plane, colored_channels;  // the channels that are covered
  const uint32_t* picks;               // null if nothing is covered
  Colors colors;

  __device__ Levels(const Shared& shared, const TilePlan& plan, bool to_patch) : colors(plan.colors) {
    const Tiling& tiling = shared.tiling;
    pitch = static_cast<int>(to_patch ? tiling.wide.by : tiling.narrow.by) * kStripWidth;
    plane = to_patch ? tiling.patch_plane : tiling.rows * pitch;
    at = to_patch ? shared.patch() : shared.finished();
    colored_channels = colored(tiling.channels);
    picks = plan.covered && !to_patch ? shared.picks() : nullptr;
  }

  __device__ void put(int channel, int row, int column, int level) const {
    const int place = row * pitch + column;
    if (picks && channel < colored_channels) {
      level = colors.over_one(level, picks[place / kStripWidth] >> (place % kStripWidth * 4) & 0xF);
    }
    at[channel * plane + place] = static_cast<uint8_t>(level);
  }
};

}  // namespace gpuaug
