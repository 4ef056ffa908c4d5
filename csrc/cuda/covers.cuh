// The covers of a strip's pixels, by impulse noise or erasing: a nibble for each pixel, which picks a byte. So one
// instruction covers four pixels, each with its own cover.
#pragma once

#include <cstdint>

#include "common/layout.h"
#include "common/stages/erase.h"
#include "cuda/bits.cuh"

namespace gpuaug {

// Up to 3: the pixel's own byte among four levels. From 4 on: a byte of the colors.
constexpr uint32_t kAllKept = 0x32103210, kAllBlack = 0x44444444, kAllWhite = 0x55555555, kAllErased = 0x66666666;

struct Colors {
  uint32_t bytes;  // black, white, and the fill level

  __device__ explicit Colors(const Recipe& recipe)
      : bytes(0xFF00u | static_cast<uint32_t>(erase_level(recipe)) << 16) {}

  // Four levels, covered as the lower four nibbles pick.
  __device__ uint32_t over(uint32_t levels, uint32_t picks) const { return picked(levels, bytes, picks); }
  __device__ uint2 over(uint2 levels, uint32_t picks) const {
    return {over(levels.x, picks), over(levels.y, picks >> 16)};
  }
  __device__ int over_one(int level, uint32_t pick) const {
    return pick < 4 ? level : static_cast<int>(bytes >> (pick - 4) * 8 & 0xFF);
  }
};

}  // namespace gpuaug
