// The arithmetic that the stages share. Both backends include it, so that their bytes agree.
#pragma once

#include <cstdint>

#include "common/portable.h"

namespace gpuaug {

// A right shift of a negative number rounds down, as C++20 requires of both compilers.

// Between two steps of a stage a value is in 1/128 of a level: 0 to 32640, so that 16 bits hold it, and every product
// below is one rounding 16-bit multiplication (pmulhrsw), of which a vector has 32.

GPUAUG_HOST_DEVICE int fine(int level) { return level * 128; }

GPUAUG_HOST_DEVICE int level(int fine) { return (fine + 64) >> 7; }

GPUAUG_HOST_DEVICE int64_t clamp(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : (value > high ? high : value);
}

GPUAUG_HOST_DEVICE int held(int level) { return level < 0 ? 0 : (level > 255 ? 255 : level); }

// Alpha: the fourth of four channels moves with its pixel and is blurred with it; no other stage changes it.

GPUAUG_HOST_DEVICE int colored(int channels) { return channels < 3 ? channels : 3; }

}  // namespace gpuaug
