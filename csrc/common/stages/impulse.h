// Impulse noise: a pixel becomes white or black, in all channels, if its 16 random bits are below a threshold.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/layout.h"
#include "common/portable.h"
#include "common/stages/needs.h"

namespace gpuaug {

// The stage on one pixel, from 16 random bits.
struct ImpulseStage : StageNeeds {
  static constexpr int64_t kBit = kImpulse;
  static constexpr int kRandomLines = 1;

  uint32_t salt, pepper;  // 0 to 2^16, salt the lower one

  GPUAUG_HOST_DEVICE explicit ImpulseStage(const Recipe& recipe) {
    salt = static_cast<uint32_t>(clamp(recipe.salt, 0, 1 << 16));
    pepper = static_cast<uint32_t>(clamp(recipe.pepper, salt, 1 << 16));
  }

  GPUAUG_HOST_DEVICE bool covers(uint32_t bits) const { return bits < pepper; }
  GPUAUG_HOST_DEVICE bool is_white(uint32_t bits) const { return bits < salt; }
};

}  // namespace gpuaug
