// Noise: a normal number added to each level, or a factor, from 16 random bits of the pixel; in integers.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/layout.h"
#include "common/stages/needs.h"

namespace gpuaug {

// Any kind other than normal counts as a factor.
GPUAUG_HOST_DEVICE bool noise_is_normal(const Recipe& recipe) { return (recipe.noise & 0xFF) == kNormal; }

// The channel whose bits make the noise of a channel: its own, by its number in the whole image, or the shared one.
GPUAUG_HOST_DEVICE int noise_channel(const Recipe& recipe, int channel) {
  if (!(recipe.noise & kPerChannel)) return 0;
  return channel + static_cast<int>(static_cast<uint64_t>(recipe.noise) / kFirstChannel & 0xFF);
}

// The parameters of both kinds, for arithmetic of 32 bits. A deviation is in 1/2^20 of a level for each unit of
// normal(); the least value of a factor and its span are in 1/2^12.
struct NoiseScale {
  uint32_t low, span;
};

GPUAUG_HOST_DEVICE NoiseScale noise_scale(const Recipe& recipe) {
  constexpr int64_t kMost = (1 << 16) - 1;
  return {static_cast<uint32_t>(clamp(recipe.noise_low, 0, kMost)),
          static_cast<uint32_t>(clamp(recipe.noise_span, 0, kMost))};
}

// The means of the 256 equally likely parts of a normal distribution, in 1/1024 of its standard deviation.
struct Normals {
  int16_t of[256];
};

constexpr Normals normals() {
  constexpr int16_t kUpper[128] = {
      5,    15,   25,   35,   45,   55,   65,   75,   85,   95,   106,  116,  126,  136,  146,  156,  166,  176,  187,
      197,  207,  217,  228,  238,  248,  258,  269,  279,  290,  300,  311,  321,  332,  342,  353,  364,  374,  385,
      396,  407,  418,  428,  439,  450,  461,  473,  484,  495,  506,  518,  529,  541,  552,  564,  576,  587,  599,
      611,  623,  635,  647,  660,  672,  685,  697,  710,  723,  736,  749,  762,  775,  789,  802,  816,  830,  844,
      858,  872,  887,  901,  916,  931,  947,  962,  978,  994,  1010, 1026, 1043, 1060, 1077, 1095, 1113, 1131, 1150,
      1169, 1188, 1208, 1228, 1249, 1271, 1293, 1315, 1338, 1362, 1387, 1412, 1439, 1466, 1495, 1524, 1556, 1588, 1622,
      1658, 1697, 1738, 1782, 1829, 1881, 1938, 2001, 2074, 2159, 2262, 2394, 2588, 3041};
  Normals all{};
  for (int k = 0; k < 128; ++k) {
    all.of[128 + k] = kUpper[k];
    all.of[127 - k] = static_cast<int16_t>(-kUpper[k]);
  }
  return all;
}

// The weighted sum of two of them is almost normal, within 4.2 deviations. With the weights 4 and 3, its deviation is 5
// times theirs.
GPUAUG_HOST_DEVICE int normal(int low, int high) { return 4 * low + 3 * high; }

GPUAUG_HOST_DEVICE int with_normal(int level, int normal, NoiseScale scale) {
  return held(level + ((static_cast<int>(scale.low) * normal + (1 << 19)) >> 20));
}

GPUAUG_HOST_DEVICE int with_factor(int level, uint32_t bits, NoiseScale scale) {
  const uint32_t factor = scale.low + (bits * scale.span >> 16);
  return held(static_cast<int>((static_cast<uint32_t>(level) * factor + (1 << 11)) >> 12));
}

// The stage on one level, from 16 random bits.
struct NoiseStage : StageNeeds {
  static constexpr int64_t kBit = kNoise;
  static constexpr int kRandomLines = 3;  // one for each color channel

  bool is_normal;
  NoiseScale scale;
  const int16_t* normals;

  GPUAUG_HOST_DEVICE NoiseStage(const Recipe& recipe, const int16_t* given)
      : is_normal(noise_is_normal(recipe)), scale(noise_scale(recipe)), normals(given) {}

  GPUAUG_HOST_DEVICE int operator()(int level, uint32_t bits) const {
    if (!is_normal) return with_factor(level, bits, scale);
    return with_normal(level, normal(normals[bits & 0xFF], normals[bits >> 8]), scale);
  }
};

}  // namespace gpuaug
