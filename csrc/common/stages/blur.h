// Blur, of 5 by 5 pixels: a Gaussian's, or the article's.
#pragma once

#include <cstdint>

#include "common/layout.h"
#include "common/portable.h"

namespace gpuaug {

// ---- The Gaussian: separable. A pair of neighbours pulls the centre towards its mean; twice its weight comes in
// 1/2^15.

struct BlurWeights {
  int outer, inner;
};

// A record out of range may ask for more than all; what the pairs get then still leaves a level between two others.
GPUAUG_HOST_DEVICE BlurWeights blur_weights(const Recipe& recipe) {
  const int outer = static_cast<int>(recipe.outer & 0x7FFF), inner = static_cast<int>(recipe.inner & 0x7FFF);
  return {outer, inner < (1 << 15) - outer ? inner : (1 << 15) - outer};
}

GPUAUG_HOST_DEVICE int pull(int centre, int neighbour, int other, int weight) {
  return ((((neighbour + other + 1) >> 1) - centre) * weight + (1 << 14)) >> 15;
}

// Across a row, then down a column; values and result in 1/128.
GPUAUG_HOST_DEVICE int blur(const Recipe& recipe, int before2, int before1, int centre, int after1, int after2) {
  const BlurWeights weights = blur_weights(recipe);
  return centre + pull(centre, before2, after2, weights.outer) + pull(centre, before1, after1, weights.inner);
}

// ---- The article's kernel, 1/273 of [[1,4,7,4,1],[4,16,26,16,4],[7,26,41,26,7],...]: outer([1,4,7,4,1]) but for a
// cross, where it has 2 less north, east, south and west, and 8 less in the centre. Truncated, as the article's cast to
// uint8 is.

GPUAUG_HOST_DEVICE int article_across(int left2, int left1, int middle, int right1, int right2) {
  return left2 + right2 + 4 * (left1 + right1) + 7 * middle;
}

GPUAUG_HOST_DEVICE int article_down(int up2, int up1, int middle, int down1, int down2, int north, int east, int south,
                                    int west, int centre) {
  const int outer = up2 + down2 + 4 * (up1 + down1) + 7 * middle;
  return (outer - 2 * (north + east + south + west) - 8 * centre) / 273;
}

GPUAUG_HOST_DEVICE int64_t blur_border(const Recipe& recipe) { return recipe.blur == kArticle ? kZero : kReflect; }

}  // namespace gpuaug
