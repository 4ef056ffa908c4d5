// From levels to the output, through the table, in vectors: directly from registers if a strip is a vector. write.cuh
// writes from the finished tile.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "common/stages/pointwise.h"
#include "cuda/packed.cuh"
#include "cuda/shared.cuh"

namespace gpuaug {

constexpr int kVector = 8;  // elements that a thread writes at a time

// Value is the element of the output: the byte itself, without a table, or the entry of the table.
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

// Writes to an address that is a multiple of 16 bytes, or of 8 if the vector has 8 bytes.
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

// A channel's table, as bytes of shared memory. One dot product finds the address of a level's entry: it extracts the
// byte of a word, multiplies it by the element size and adds the table's address.
template <typename Value>
struct ChannelTable {
  const unsigned char* memory;
  uint32_t begin;

  __device__ ChannelTable(const Shared& shared, int channel)
      : memory(shared.memory),
        begin(static_cast<uint32_t>(shared.tiling.table) + static_cast<uint32_t>(channel) * 256 * sizeof(Value)) {}

  // The entry of byte `which` of four levels.
  __device__ Value of(uint32_t four, int which) const {
    if constexpr (sizeof(Value) == 1) return static_cast<Value>(four >> (8 * which));
    constexpr uint32_t kFirst = sizeof(Value), kSecond = kFirst << 16;
    const uint32_t picks = which % 2 ? kSecond : kFirst;
    const uint32_t place = which < 2 ? __dp2a_lo(picks, four, begin) : __dp2a_hi(picks, four, begin);
    return *reinterpret_cast<const Value*>(memory + place);
  }
};

// Maps eight levels by a channel's table.
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

// Whether the strips of a tile go directly to the output after the blend or blur: its rows are whole vectors, and there
// are no further stages.
__device__ inline bool goes_straight(const Shared& shared, const TilePlan& plan) {
  return shared.tiling.vectors && !(plan.stages & LevelStages::kBits);
}

// The destination of a thread's strips, of one column of strips of a channel: the output, or shared memory.
template <typename Value>
struct StripTarget {
  uint8_t* levels;
  const uint32_t* picks;  // null if nothing is covered
  const Colors& colors;   // read again for each strip, as registers are scarce
  int strips;             // the step from one row to the next
  bool straight;
  Value* out;
  uint32_t width;
  ChannelTable<Value> table;

  __device__ StripTarget(const Shared& shared, const TilePlan& plan, const Batch& batch, bool to_patch, int channel,
                         int strip, int first_row)  // the row at which counting begins
      : colors(plan.colors), table(shared, channel) {
    const int x = strip * kStripWidth;
    const Levels all(shared, plan, to_patch);
    strips = all.pitch / kStripWidth;
    levels = all.at + channel * all.plane + first_row * all.pitch + x;
    picks = all.picks && channel < all.colored_channels ? all.picks + first_row * strips + strip : nullptr;
    width = static_cast<uint32_t>(batch.width);
    straight = !to_patch && goes_straight(shared, plan);
    out = static_cast<Value*>(batch.out) + plan.draw * out_per_draw(batch) +
          (channel * batch.height + plan.y.begin + first_row) * batch.width + plan.x.begin + x;
  }

  __device__ Value* at(int row) const { return out + uint64_t{static_cast<uint32_t>(row)} * width; }

  __device__ void put(int row, uint2 own) const {
    const int place = row * strips;
    if (picks) own = colors.over(own, picks[place]);
    // Without this, put_tops would compute the place for all rows, including those for shared memory.
    if (straight) return put_vector(at(read_anew(row)), table, own);
    reinterpret_cast<uint2*>(levels)[place] = own;
  }

  // Puts levels that are in the last bytes of eight words.
  __device__ void put_tops(int row, const uint32_t tops[8]) const {
    if constexpr (sizeof(Value) > 1) {
      if (straight && !picks) {
        Value values[kVector];
#pragma unroll
        for (int j = 0; j < kVector; ++j) values[j] = table.of(tops[j], 3);
        return store(at(row), values);
      }
    }
    put(row, {four_of_tops(tops[0], tops[1], tops[2], tops[3]), four_of_tops(tops[4], tops[5], tops[6], tops[7])});
  }
};

}  // namespace gpuaug
