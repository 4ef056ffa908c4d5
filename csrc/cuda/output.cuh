// From levels to the output, through the table, in vectors: straight from the registers where a strip is a vector, else
// from the finished tile, neighbouring threads side by side in memory whatever its order.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "common/stages/pointwise.h"
#include "cuda/packed.cuh"
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

// A channel's table, as bytes of shared memory. One dot product finds a level's place: it takes the byte out of its
// word, multiplies it by an element's size and adds where the table begins.
template <typename Value>
struct ChannelTable {
  const unsigned char* memory;
  uint32_t begin;

  __device__ ChannelTable(const Shared& shared, int channel)
      : memory(shared.memory),
        begin(static_cast<uint32_t>(shared.tiling.table) + static_cast<uint32_t>(channel) * 256 * sizeof(Value)) {}

  // Of byte `which` of four levels.
  __device__ Value of(uint32_t four, int which) const {
    if constexpr (sizeof(Value) == 1) return static_cast<Value>(four >> (8 * which));
    constexpr uint32_t kFirst = sizeof(Value), kSecond = kFirst << 16;
    const uint32_t picks = which % 2 ? kSecond : kFirst;
    const uint32_t place = which < 2 ? __dp2a_lo(picks, four, begin) : __dp2a_hi(picks, four, begin);
    return *reinterpret_cast<const Value*>(memory + place);
  }
};

// Eight levels, through a channel's table.
template <typename Value>
__device__ inline void put_vector(Value* to, const ChannelTable<Value>& table, uint2 levels) {
  if constexpr (sizeof(Value) == 1) {
    *reinterpret_cast<uint2*>(to) = levels;
  } else {
    Value values[kVector];
#pragma unroll
    for (int j = 0; j < kVector; ++j) values[j] = table.of(j < 4 ? levels.x : levels.y, j % 4);
    store(to, values);
  }
}

// Whether a tile's strips go straight to the output once they are blended or blurred: its rows are whole vectors, and
// no stage is left.
__device__ inline bool goes_straight(const Shared& shared, const TilePlan& plan) {
  return shared.tiling.vectors && !(plan.stages & LevelStages::kBits);
}

// Where a thread puts its strips, of one column of strips of a channel: straight to the output, or to shared memory.
template <typename Value>
struct StripTarget {
  uint8_t* levels;
  const uint8_t *keep, *laid;  // null: neither
  int pitch;
  bool straight;
  Value* out;
  uint32_t width;
  ChannelTable<Value> table;

  __device__ StripTarget(const Shared& shared, const TilePlan& plan, const Batch& batch, bool to_patch, int channel,
                         int strip)
      : table(shared, channel) {
    const int x = strip * kStripWidth;
    const Levels all(shared, plan, to_patch);
    const bool masked = all.keep && channel < all.colors;
    levels = all.at + channel * all.plane + x;
    keep = masked ? all.keep + x : nullptr;
    laid = masked ? all.laid + x : nullptr;
    pitch = all.pitch;
    width = static_cast<uint32_t>(batch.width);
    straight = !to_patch && goes_straight(shared, plan);
    out = static_cast<Value*>(batch.out) + plan.draw * out_per_draw(batch) +
          (channel * batch.height + plan.y.begin) * batch.width + plan.x.begin + x;
  }

  __device__ Value* at(int row) const { return out + uint64_t{static_cast<uint32_t>(row)} * width; }

  __device__ void put(int row, uint2 own) const {
    const int place = row * pitch;
    if (keep) {
      const uint2 k = *reinterpret_cast<const uint2*>(keep + place), l = *reinterpret_cast<const uint2*>(laid + place);
      own = {(own.x & k.x) | l.x, (own.y & k.y) | l.y};
    }
    if (straight) return put_vector(at(row), table, own);
    *reinterpret_cast<uint2*>(levels + place) = own;
  }

  // Levels in the last bytes of eight words.
  __device__ void put_tops(int row, const uint32_t tops[8]) const {
    if constexpr (sizeof(Value) > 1) {
      if (straight && !keep) {
        Value values[kVector];
#pragma unroll
        for (int j = 0; j < kVector; ++j) values[j] = table.of(tops[j], 3);
        return store(at(row), values);
      }
    }
    put(row, {four_of_tops(tops[0], tops[1], tops[2], tops[3]), four_of_tops(tops[4], tops[5], tops[6], tops[7])});
  }
};

// Planes whose rows are whole vectors: a strip of levels becomes one vector.
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

// Four bytes at any place of a row of words, or before it.
__device__ inline uint32_t four_bytes(const uint8_t* row, int place) {
  const auto* words = reinterpret_cast<const uint32_t*>(row) + (place >> 2);
  return __funnelshift_r(words[0], words[1], static_cast<unsigned>(place) * 8);  // of which five bits count
}

// Eight neighbouring elements of a row of the output as levels. Element j's channel is channels[j % 3]. What stands
// beyond the row's ends is any level.
struct Elements {
  uint2 levels;
  int channels[3];
};

// Of one channel by itself.
__device__ inline Elements elements_of_one(const uint8_t* row, int first, int channel) {
  return {{four_bytes(row, first), four_bytes(row, first + 4)}, {channel, channel, channel}};
}

// Four pixels of three channels, side by side.
struct Triples {
  uint32_t words[3];

  __device__ Triples(uint32_t r, uint32_t g, uint32_t b) {
    const uint32_t early = __byte_perm(r, g, 0x5140), late = __byte_perm(r, g, 0x7362);  // r0 g0 r1 g1, r2 g2 r3 g3
    words[0] = __byte_perm(early, b, 0x2410);
    words[1] = __byte_perm(__byte_perm(early, b, 0x0053), late, 0x5410);
    words[2] = __byte_perm(late, b, 0x7326);
  }
};

// Of three channels side by side: four pixels of each, in the order of the output, from the first one's channel on.
__device__ inline Elements elements_of_three(const uint8_t* row, int plane, int first, Divisor by_three) {
  const int x = by_three.quotient(first + kVector * 3) - kVector, c = first - 3 * x;  // a row may begin inside a vector
  const Triples own(four_bytes(row, x), four_bytes(row + plane, x), four_bytes(row + 2 * plane, x));
  const unsigned past = static_cast<unsigned>(c) * 8;
  return {{__funnelshift_r(own.words[0], own.words[1], past), __funnelshift_r(own.words[1], own.words[2], past)},
          {c, c == 2 ? 0 : c + 1, c == 0 ? 2 : c - 1}};
}

// Three channels side by side whose rows are whole vectors: a strip of each becomes three vectors.
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

// Of two or four channels side by side, one by one.
template <typename Value>
__device__ inline void write_one_by_one(Value* to, const Shared& shared, const uint8_t* row, int plane, int first,
                                        int count) {
  const Divisor by_channel = shared.tiling.colors;
#pragma unroll 1  // the registers have better uses
  for (int at = max(first, 0); at < min(first + kVector, count); ++at) {
    const int x = by_channel.quotient(at), c = at - x * shared.tiling.channels;
    to[at] = ChannelTable<Value>(shared, c).of(row[c * plane + x], 0);
  }
}

// Any width, and channels side by side: vectors begin where memory is aligned, and a row's first and last elements,
// which fill no vector, are written one by one.
template <typename Value>
__device__ inline void write_elements(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  constexpr int kAlignment = sizeof(Value) == 4 ? 4 : 8;  // elements
  const Tiling& tiling = shared.tiling;
  // Else the steps through the output would be worked out once, and kept from tile to tile.
  const bool side_by_side = read_anew(batch.channels_last) != 0;
  const int side = side_by_side ? batch.channels : 1, planes = side_by_side ? 1 : batch.channels;
  const int64_t row_step = batch.width * side;
  const int pitch = tiling.strips * kStripWidth, plane = tiling.rows * pitch;
  const int count = plan.x.extent * side;
  const Lane lane(tiling.outputs);
  Value* out =
      static_cast<Value*>(batch.out) + plan.draw * out_per_draw(batch) + plan.y.begin * row_step + plan.x.begin * side;
  each_row(lane, plan.y.places, planes, [&](int channel, int row) {
    Value* to = out + channel * batch.height * batch.width + row * row_step;
    const int before = static_cast<int>(reinterpret_cast<uintptr_t>(to) / sizeof(Value) % kAlignment);
    const int first = lane.strip * kVector - before;
    if (first >= count) return;
    const uint8_t* levels = shared.finished() + channel * plane + row * pitch;
    if (side % 2 == 0) return write_one_by_one(to, shared, levels, plane, first, count);
    const Elements own =
        side == 1 ? elements_of_one(levels, first, channel) : elements_of_three(levels, plane, first, tiling.colors);
    const bool whole = first >= 0 && first + kVector <= count;
    if constexpr (sizeof(Value) == 1) {
      if (whole) *reinterpret_cast<uint2*>(to + first) = own.levels;
      if (whole) return;
    }
    Value values[kVector];
#pragma unroll
    for (int j = 0; j < kVector; ++j) {
      values[j] = ChannelTable<Value>(shared, own.channels[j % 3]).of(j < 4 ? own.levels.x : own.levels.y, j % 4);
    }
    if (whole) return store(to + first, values);
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
  } else if (shared.tiling.triples) {
    write_triples<Value>(shared, plan, batch);
  } else {
    write_elements<Value>(shared, plan, batch);
  }
}

}  // namespace gpuaug
