// Blur of 5 x 5 pixels, by a Gaussian or the article's kernel; and sharpening of 3 x 3 pixels.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/layout.h"
#include "common/portable.h"

namespace gpuaug {

// ---- The Gaussian is separable. Weights are in 1/2^16: of each of the two outer neighbours, of each of the two inner
// ones, and of the centre, which has the rest.

struct BlurWeights {
  int outer, inner, centre;
};

// A recipe out of range may have larger weights; even then no weight is below 0.
GPUAUG_HOST_DEVICE BlurWeights blur_weights(const Recipe& recipe) {
  const int outer = static_cast<int>(recipe.outer & 0x7FFF), asked = static_cast<int>(recipe.inner & 0x7FFF);
  const int inner = asked < (1 << 15) - outer ? asked : (1 << 15) - outer;
  return {outer, inner, (1 << 16) - 2 * (outer + inner)};
}

GPUAUG_HOST_DEVICE int weighted(BlurWeights weights, int before2, int before1, int centre, int after1, int after2) {
  return weights.outer * (before2 + after2) + weights.inner * (before1 + after1) + weights.centre * centre;
}

// Blurs five levels of a row, to 1/64.
GPUAUG_HOST_DEVICE int blurred_across(BlurWeights weights, int left2, int left1, int centre, int right1, int right2) {
  return (weighted(weights, left2, left1, centre, right1, right2) + (1 << 9)) >> 10;
}

// Blurs five of these in a column, to a level.
GPUAUG_HOST_DEVICE int blurred_down(BlurWeights weights, int up2, int up1, int centre, int down1, int down2) {
  return (weighted(weights, up2, up1, centre, down1, down2) + (1 << 21)) >> 22;
}

// ---- The article's kernel, 1/273 of [[1,4,7,4,1],[4,16,26,16,4],[7,26,41,26,7],...]. It is outer([1,4,7,4,1]) except
// for a cross: it has 2 less to the north, east, south and west, and 8 less in the centre. The result is truncated, as
// by the article's cast to uint8.

GPUAUG_HOST_DEVICE int article_across(int left2, int left1, int middle, int right1, int right2) {
  return left2 + right2 + 4 * (left1 + right1) + 7 * middle;
}

// `sum`: of five such values in a column, with the same weights.
GPUAUG_HOST_DEVICE int article_level(int sum, int north, int east, int south, int west, int centre) {
  return (sum - 2 * (north + east + south + west) - 8 * centre) / 273;
}

GPUAUG_HOST_DEVICE int article_down(int up2, int up1, int middle, int down1, int down2, int north, int east, int south,
                                    int west, int centre) {
  return article_level(up2 + down2 + 4 * (up1 + down1) + 7 * middle, north, east, south, west, centre);
}

// ---- Sharpening, as in torchvision: mean + factor * (pixel - mean), with a factor in 1/2^16. The mean is that of
// 3 x 3 pixels, with a weight of 5 for the pixel itself. The mean is rounded, the result truncated. Pixels at the
// border of the image stay.

GPUAUG_HOST_DEVICE int sharpen_factor(const Recipe& recipe) {
  return static_cast<int>(clamp(recipe.outer, 0, kMostSharpening));
}

// `sum`: the weighted sum of the nine pixels.
GPUAUG_HOST_DEVICE int sharpened(int factor, int sum, int centre) {
  const int mean = (2 * (sum + 4 * centre) + 13) / 26;
  return held((mean * kSharpenUnit + factor * (centre - mean)) >> 16);
}

GPUAUG_HOST_DEVICE int64_t blur_border(const Recipe& recipe) { return recipe.blur == kArticle ? kZero : kReflect; }

}  // namespace gpuaug
