// The order of an epoch: the keyed bijections of gpuaug/sampling/bijection.py and the draws of
// gpuaug/sampling/order.py, a block of positions at a time, in loops that compilers vectorize.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace gpuaug {

constexpr int kFeistelRounds = 8, kSwapRounds = 4;

// The parameters of a bijection: the rows of a table with a column for each bijection.
enum BijectionRow {
  kSize,
  kGridRows,
  kGridColumns,
  kFeistelKeys,
  kSwapKeys = kFeistelKeys + kFeistelRounds,
  kPivots = kSwapKeys + kSwapRounds,
  kBijectionRows = kPivots + kSwapRounds
};

// An epoch's parameters of the classes: the rows of a table with a column for each class.
enum ClassRow { kBegins, kEnds, kSamples, kStarts, kOffsets, kClassRows };

// MurmurHash3's 32-bit finalizer (Appleby). Its first step takes all bits of a wider number.
template <typename Value>
inline uint32_t hashed(Value value) {
  const auto wide = static_cast<std::make_unsigned_t<Value>>(value);
  auto x = static_cast<uint32_t>(wide ^ wide >> 16);
  x *= 0x85EBCA6B;
  x ^= x >> 13;
  x *= 0xC2B2AE35;
  return x ^ x >> 16;
}

// The quotient of non-negative numbers. It is exact: below 2^31, it differs from the next integer by more than a
// double's rounding.
inline int32_t quotient(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<double>(a) / static_cast<double>(b));
}

inline int64_t quotient(int64_t a, int64_t b) { return a / b; }

// One bijection for all lanes, or one for each lane.
template <typename Value>
struct OneBijection {
  const Value* table;
  int64_t width;

  Value operator()(int row, int /*lane*/) const { return table[row * width]; }
};

template <typename Value>
struct OwnBijection {
  const Value* table;
  int64_t width;
  const int32_t* which;

  Value operator()(int row, int lane) const { return table[row * width + which[lane]]; }
};

inline uint32_t shifted(uint32_t moved, uint32_t other, uint32_t key, uint32_t side) {
  const auto shift = static_cast<uint32_t>(uint64_t{hashed(other ^ key)} * side >> 32);
  const uint32_t sum = moved + shift;  // both are below side, which is at most 2^31
  return sum < side ? sum : sum - side;
}

template <typename Value, typename Parameters, int... kTurns>
inline Value feistel(const Parameters& of, int lane, Value x, std::integer_sequence<int, kTurns...>) {
  const auto rows = static_cast<uint32_t>(of(kGridRows, lane)), columns = static_cast<uint32_t>(of(kGridColumns, lane));
  const Value first = quotient(x, of(kGridColumns, lane));
  auto row = static_cast<uint32_t>(first), column = static_cast<uint32_t>(x - first * of(kGridColumns, lane));
  // Unrolled, so that the loop over the lanes is the innermost.
  ((kTurns % 2 ? column = shifted(column, row, static_cast<uint32_t>(of(kFeistelKeys + kTurns, lane)), columns)
               : row = shifted(row, column, static_cast<uint32_t>(of(kFeistelKeys + kTurns, lane)), rows)),
   ...);
  return static_cast<Value>(row) * of(kGridColumns, lane) + static_cast<Value>(column);
}

template <typename Value, typename Parameters>
inline Value feistel(const Parameters& of, int lane, Value x) {
  return feistel(of, lane, x, std::make_integer_sequence<int, kFeistelRounds>());
}

template <typename Value, typename Parameters, int... kRounds>
inline Value swap_or_not(const Parameters& of, int lane, Value x, std::integer_sequence<int, kRounds...>) {
  const Value size = of(kSize, lane);
  const auto round = [&](Value key, Value pivot) {
    Value partner = pivot - x;
    partner += partner < 0 ? size : 0;
    const Value larger = x < partner ? partner : x;
    // The key is a 32-bit word; it does not change the upper half of a wide value.
    x = hashed(larger ^ static_cast<Value>(static_cast<uint32_t>(key))) >> 31 ? partner : x;
  };
  (round(of(kSwapKeys + kRounds, lane), of(kPivots + kRounds, lane)), ...);
  return x;
}

// x[lane] becomes its image
template <typename Value, typename Parameters>
inline void permute(const Parameters& of, int lanes, Value* x) {
  for (int lane = 0; lane < lanes; ++lane) x[lane] = feistel(of, lane, x[lane]);
  for (int lane = 0; lane < lanes; ++lane) {
    while (x[lane] >= of(kSize, lane)) x[lane] = feistel(of, lane, x[lane]);  // rare: outside, mapped again
  }
  for (int lane = 0; lane < lanes; ++lane) {
    x[lane] = swap_or_not(of, lane, x[lane], std::make_integer_sequence<int, kSwapRounds>());
  }
}

}  // namespace gpuaug
