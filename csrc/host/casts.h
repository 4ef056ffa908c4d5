// Integers with PyTorch's results: from floats, and where a sum or a product overflows 64 bits.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace gpuaug {

// A number that does not fit int64 becomes the least int64.
inline int64_t to_int64(double value) {
  return std::abs(value) < 0x1p63 ? static_cast<int64_t>(value) : std::numeric_limits<int64_t>::min();
}

// Unsigned, so that an overflow wraps; a signed one would be undefined.
inline int64_t wrapped_sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

inline int64_t wrapped_product(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

}  // namespace gpuaug
