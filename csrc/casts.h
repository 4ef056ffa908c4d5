// From floating to whole numbers, as PyTorch does it.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace gpuaug {

// What no int64 can hold becomes the least one.
inline int64_t to_int64(double value) {
  return std::abs(value) < 0x1p63 ? static_cast<int64_t>(value) : std::numeric_limits<int64_t>::min();
}

}  // namespace gpuaug
