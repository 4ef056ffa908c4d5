// Color: each of the first three channels becomes a weighted sum of them, rounded and clamped to [0, 255].
// With one channel or two, the last one stands for the missing ones. Products are of 16 bits, sums of 32.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/layout.h"
#include "common/portable.h"
#include "common/stages/needs.h"

namespace gpuaug {

struct ColorRow {
  int red, green, blue;  // in 1/2^12, -8 to 8
  int added;             // in 1/2^12 of a level, with half a level for the rounding
};

GPUAUG_HOST_DEVICE ColorRow color_row(int64_t red, int64_t green, int64_t blue, int64_t added) {
  constexpr int64_t kLeast = -(1 << 15), kMost = (1 << 15) - 1, kFar = 1 << 28;  // beyond kFar, all is black or white
  return {static_cast<int>(clamp(red, kLeast, kMost)), static_cast<int>(clamp(green, kLeast, kMost)),
          static_cast<int>(clamp(blue, kLeast, kMost)), static_cast<int>(clamp(added, -kFar, kFar) + (1 << 11))};
}

GPUAUG_HOST_DEVICE ColorRow color_row(const Recipe& recipe, int channel) {
  if (channel == 0) return color_row(recipe.rr, recipe.rg, recipe.rb, recipe.r1);
  if (channel == 1) return color_row(recipe.gr, recipe.gg, recipe.gb, recipe.g1);
  return color_row(recipe.br, recipe.bg, recipe.bb, recipe.b1);
}

GPUAUG_HOST_DEVICE int color(const ColorRow& row, int red, int green, int blue) {
  return held((row.red * red + row.green * green + row.blue * blue + row.added) >> 12);
}

// The stage on one pixel, channel by channel.
struct ColorStage : StageNeeds {
  static constexpr int64_t kBit = kColor;

  ColorRow red, green, blue;

  GPUAUG_HOST_DEVICE explicit ColorStage(const Recipe& recipe)
      : red(color_row(recipe, 0)), green(color_row(recipe, 1)), blue(color_row(recipe, 2)) {}
};

}  // namespace gpuaug
