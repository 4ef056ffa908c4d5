// The tables of an order and their checks. With sound tables, all numbers in the computation of a draw fit their types,
// all reads are inside memory, and every walk ends.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "host/epoch_order.h"

namespace gpuaug {

template <typename Value>
struct Tables {
  const Value* classes;  // (kClassRows, count)
  int64_t count;
  const Value* bijections;  // (kBijectionRows, 1 + count): of the positions, then of each class
  int64_t samples;          // the number of members of all classes

  const Value* row(ClassRow row) const { return classes + row * count; }
  Value total() const { return row(kEnds)[count - 1]; }
  Value end_before(int64_t number) const { return number == 0 ? 0 : row(kEnds)[number - 1]; }
};

// Numbers are compared as unsigned: a negative one is then too large. Numbers out of range may wrap, as their table is
// not sound in any case. There are no branches, so that compilers vectorize the loops.

// Whether column `number` of the bijections is one over [0, size). Its grid is the smallest possible: fewer cells than
// the square root of the size are outside, and a walk, which visits no cell twice, ends.
template <typename Value>
inline bool sound_bijection(const Tables<Value>& tables, int64_t number, Value size) {
  using Unsigned = std::make_unsigned_t<Value>;
  // No grid of a valid size has more rows, and the square of the rows fits 64 bits.
  constexpr Unsigned kMostRows = sizeof(Value) == 4 ? 1u << 16 : 1u << 31;
  constexpr Unsigned kMost = std::numeric_limits<Value>::max();
  const auto word = [&](int row) {
    return static_cast<Unsigned>(tables.bijections[row * (1 + tables.count) + number]);
  };
  const auto least = static_cast<Unsigned>(size), rows = word(kGridRows), columns = word(kGridColumns);
  const Unsigned cells = rows * columns, before = rows - 1;
  bool sound = (word(kSize) == least) & (before < kMostRows) & (columns - 1 < rows) & (least <= cells) &
               (cells - 1 <= kMost) & (cells - rows < least) & (before * before < least);
  for (int k = 0; k < kSwapRounds; ++k) sound &= word(kPivots + k) < least;
  return sound;
}

// Whether a class begins at `before`, the end of the class before, and has its samples among the members.
template <typename Value>
inline bool sound_class(const Tables<Value>& tables, int64_t number, Value before) {
  using Unsigned = std::make_unsigned_t<Value>;
  const auto of = [&](ClassRow row) { return tables.row(row)[number]; };
  const auto word = [&](ClassRow row) { return static_cast<Unsigned>(of(row)); };
  const auto most = static_cast<Unsigned>(std::min<int64_t>(tables.samples, std::numeric_limits<Value>::max()));
  return (of(kBegins) == before) & (before >= 0) & (of(kEnds) >= before) & (word(kSamples) - 1 < most) &
         (word(kOffsets) < word(kSamples)) & (word(kStarts) <= most - word(kSamples));
}

template <typename Value>
inline bool sound(const Tables<Value>& tables, int64_t number, Value before) {
  return sound_class(tables, number, before) & sound_bijection(tables, 1 + number, tables.row(kSamples)[number]);
}

// Whether all classes are sound.
bool all_sound(const Tables<int32_t>& tables);
bool all_sound(const Tables<int64_t>& tables);

}  // namespace gpuaug
