// The pixel that a tap outside [low, high) reads; -1 if it takes the recipe's `outside` level.
#pragma once

#include <cstdint>

#include "common/layout.h"
#include "common/portable.h"

namespace gpuaug {

GPUAUG_HOST_DEVICE int64_t reflect(int64_t index, int64_t size) {  // 101: the edge is not repeated
  if (size == 1) return 0;
  const int64_t period = 2 * (size - 1);
  if (index > -size && index <= period) {  // at most one reflection, without a division
    if (index < 0) index = -index;
    return index < size ? index : period - index;
  }
  index %= period;
  if (index < 0) index += period;
  return index < size ? index : period - index;
}

GPUAUG_HOST_DEVICE int64_t resolve(int64_t index, int64_t low, int64_t high, int64_t border) {
  if (index >= low && index < high) return index;
  if (border == kZero) return -1;
  if (border == kReflect) return low + reflect(index - low, high - low);
  return index < low ? low : high - 1;
}

}  // namespace gpuaug
