// From a finished tile to output with interleaved channels. Neighbouring threads write to neighbouring addresses.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "cuda/output.cuh"
#include "cuda/shared.cuh"

namespace gpuaug {

// Four bytes from any place in a row of words, or before it.
__device__ inline uint32_t four_bytes(const uint8_t* row, int place) {
  const auto* words = reinterpret_cast<const uint32_t*>(row) + (place >> 2);
  return __funnelshift_r(words[0], words[1], static_cast<unsigned>(place) * 8);  // only the low five bits count
}

// Eight neighbouring elements of an output row, as levels. The channel of element j is channels[j % 3]. Elements beyond
// the ends of the row have undefined levels.
struct Elements {
  uint2 levels;
  int channels[3];
};

// Four pixels of three channels, interleaved.
struct Triples {
  uint32_t words[3];

  __device__ Triples(uint32_t r, uint32_t g, uint32_t b) {
    const uint32_t early = __byte_perm(r, g, 0x5140), late = __byte_perm(r, g, 0x7362);  // r0 g0 r1 g1, r2 g2 r3 g3
    words[0] = __byte_perm(early, b, 0x2410);
    words[1] = __byte_perm(__byte_perm(early, b, 0x0053), late, 0x5410);
    words[2] = __byte_perm(late, b, 0x7326);
  }
};

// Four pixels of each of three channels, in the order of the output, from the channel of the first element on.
__device__ inline Elements elements_of_three(const uint8_t* row, int plane, int first, Divisor by_three) {
  const int x = by_three.quotient(first + kVector * 3) - kVector, c = first - 3 * x;  // a row may begin inside a vector
  const Triples own(four_bytes(row, x), four_bytes(row + plane, x), four_bytes(row + 2 * plane, x));
  const unsigned past = static_cast<unsigned>(c) * 8;
  return {{__funnelshift_r(own.words[0], own.words[1], past), __funnelshift_r(own.words[1], own.words[2], past)},
          {c, c == 2 ? 0 : c + 1, c == 0 ? 2 : c - 1}};
}

// For three interleaved channels and rows of whole vectors: a strip of each channel becomes three vectors.
template <typename Value>
__device__ inline void write_triples(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  const Tiling& tiling = shared.tiling;
  const Lane lane(tiling.narrow);
  const int pitch = tiling.strips * kStripWidth, plane = tiling.rows * pitch, x = lane.strip * kStripWidth;
  if (x >= plan.x.extent) return;
  const ChannelTable<Value> tables[3] = {{shared, 0}, {shared, 1}, {shared, 2}};
  Value* out = static_cast<Value*>(batch.out) + plan.draw * out_per_draw(batch) +
               3 * (plan.y.begin * batch.width + plan.x.begin + x);
  for (int row = lane.begin(plan.y.extent); row < plan.y.extent; row += lane.step) {
    const uint8_t* levels = shared.finished() + row * pitch + x;
    const auto strip = [&](int channel) { return *reinterpret_cast<const uint2*>(levels + channel * plane); };
    const uint2 r = strip(0), g = strip(1), b = strip(2);
    const Triples early(r.x, g.x, b.x), late(r.y, g.y, b.y);
    const uint32_t words[6] = {early.words[0], early.words[1], early.words[2],
                               late.words[0],  late.words[1],  late.words[2]};
    Value* to = out + row * (3 * batch.width);
#pragma unroll
    for (int vector = 0; vector < 3; ++vector) {
      if constexpr (sizeof(Value) == 1) {
        reinterpret_cast<uint2*>(to)[vector] = {words[2 * vector], words[2 * vector + 1]};
      } else {
        Value values[kVector];
#pragma unroll
        for (int j = 0; j < kVector; ++j) {
          const int element = vector * kVector + j;
          values[j] = tables[element % 3].of(words[element / 4], element % 4);
        }
        store(to + vector * kVector, values);
      }
    }
  }
}

// For two or four interleaved channels, element by element.
template <typename Value>
__device__ inline void write_one_by_one(Value* to, const Shared& shared, const uint8_t* row, int plane, int first,
                                        int count) {
  const Divisor by_channel = shared.tiling.colors;
#pragma unroll 1  // saves registers
  for (int at = max(first, 0); at < min(first + kVector, count); ++at) {
    const int x = by_channel.quotient(at), c = at - x * shared.tiling.channels;
    to[at] = ChannelTable<Value>(shared, c).of(row[c * plane + x], 0);
  }
}

// For rows that are not whole vectors: vectors begin at aligned addresses. The first and last elements of a row, which
// do not fill a vector, are written one by one.
template <typename Value>
__device__ inline void write_elements(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  constexpr int kAlignment = sizeof(Value) == 4 ? 4 : 8;  // elements
  const Tiling& tiling = shared.tiling;
  const int channels = tiling.channels;
  const int64_t row_step = batch.width * channels;
  const int pitch = tiling.strips * kStripWidth, plane = tiling.rows * pitch;
  const int count = plan.x.extent * channels;
  const Lane lane(tiling.outputs);
  Value* out = static_cast<Value*>(batch.out) + plan.draw * out_per_draw(batch) + plan.y.begin * row_step +
               plan.x.begin * channels;
  for (int row = lane.begin(plan.y.extent); row < plan.y.extent; row += lane.step) {
    Value* to = out + row * row_step;
    const int before = static_cast<int>(reinterpret_cast<uintptr_t>(to) / sizeof(Value) % kAlignment);
    const int first = lane.strip * kVector - before;
    if (first >= count) continue;
    const uint8_t* levels = shared.finished() + row * pitch;
    if (channels != 3) {
      write_one_by_one(to, shared, levels, plane, first, count);
      continue;
    }
    const Elements own = elements_of_three(levels, plane, first, tiling.colors);
    const bool whole = first >= 0 && first + kVector <= count;
    if constexpr (sizeof(Value) == 1) {
      if (whole) {
        *reinterpret_cast<uint2*>(to + first) = own.levels;
        continue;
      }
    }
    Value values[kVector];
#pragma unroll
    for (int j = 0; j < kVector; ++j) {
      values[j] = ChannelTable<Value>(shared, own.channels[j % 3]).of(j < 4 ? own.levels.x : own.levels.y, j % 4);
    }
    if (whole) {
      store(to + first, values);
      continue;
    }
#pragma unroll
    for (int j = 0; j < kVector; ++j) {
      if (first + j >= 0 && first + j < count) to[first + j] = values[j];
    }
  }
}

}  // namespace gpuaug
