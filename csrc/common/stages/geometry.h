// Geometry: from an output pixel to source pixels; bilinear, or filtered along an axis that shrinks.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/borders.h"
#include "common/layout.h"
#include "common/portable.h"

namespace gpuaug {

// ---- Bilinear, weights in 1/2048.

struct Tap {
  int64_t index;  // the first of the two pixels
  int weight;     // the weight of the second, in 1/2048
};

GPUAUG_HOST_DEVICE int64_t source_coordinate(int64_t a, int64_t x, int64_t b, int64_t y, int64_t c) {
  // Unsigned, so that a recipe out of range wraps; a signed overflow would be undefined.
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(x) +
                              static_cast<uint64_t>(b) * static_cast<uint64_t>(y) + static_cast<uint64_t>(c));
}

// Divides the sums of a perspective: in 1/2^18 of a pixel, by a divisor in 1/2^28, so that 64 bits hold both and every
// machine has the same quotient. Large quotients are clamped; points behind the viewer get the largest one.
GPUAUG_HOST_DEVICE int64_t divided(int64_t sum, int64_t divisor) {
  constexpr int64_t kMostSum = int64_t{1} << 34, kMostQuotient = int64_t{1} << 47;
  const int64_t by = divisor >> 20;
  if (by < 1) return kMostQuotient * (1 << 14);
  const int64_t quotient = clamp(sum >> 14, -kMostSum, kMostSum) * (1 << 28) / by;
  return clamp(quotient, -kMostQuotient, kMostQuotient) * (1 << 14);
}

struct Coordinates {
  int64_t x, y;
};

GPUAUG_HOST_DEVICE Coordinates source_coordinates(const Recipe& recipe, int64_t x, int64_t y) {
  const int64_t across = source_coordinate(recipe.xx, x, recipe.xy, y, recipe.x1);
  const int64_t down = source_coordinate(recipe.yx, x, recipe.yy, y, recipe.y1);
  if (!(recipe.stages & kPerspective)) return {across, down};
  const int64_t divisor = source_coordinate(recipe.px, x, recipe.py, y, recipe.p1);
  return {divided(across, divisor), divided(down, divisor)};
}

// How taps are made from coordinates: a number to add, and the mask of a weight's bits. Coordinates are rounded to
// 1/2048 first, so that a fraction that rounds up to 1 carries into the index. The nearest pixel has all the weight.
struct Sampling {
  int64_t half;
  int weights;
};

GPUAUG_HOST_DEVICE Sampling sampling_of(const Recipe& recipe) {
  return recipe.stages & kNearest ? Sampling{kNearestHalf, 0} : Sampling{int64_t{1} << 20, 2047};
}

GPUAUG_HOST_DEVICE Tap tap(const Sampling& sampling, int64_t coordinate) {
  const int64_t rounded =
      static_cast<int64_t>(static_cast<uint64_t>(coordinate) + static_cast<uint64_t>(sampling.half));
  return {rounded >> 32, static_cast<int>(rounded >> 21) & sampling.weights};
}

// The level of a zero border, in one channel.
GPUAUG_HOST_DEVICE int outside_level(const Recipe& recipe, int channel) {
  return static_cast<int>(recipe.outside >> (8 * channel) & 255);
}

// Blends across a row or down a column; values and result are in 1/128.
GPUAUG_HOST_DEVICE int blend(int first, int second, int weight) {
  return first + (((second - first) * weight + (1 << 10)) >> 11);
}

// The window a kernel may read: never outside the image, never empty.
struct Window {
  int64_t left, top, right, bottom;
};

GPUAUG_HOST_DEVICE Window readable_window(const Recipe& recipe) {
  const int64_t left = clamp(recipe.left, 0, recipe.width - 1), top = clamp(recipe.top, 0, recipe.height - 1);
  return {left, top, clamp(recipe.right, left + 1, recipe.width), clamp(recipe.bottom, top + 1, recipe.height)};
}

// The four source pixels around an output pixel (x, y), and the weights of the right and the lower ones.
struct Corners {
  int64_t left, right, upper, lower;  // -1: the zero border
  int across, down;
};

GPUAUG_HOST_DEVICE Corners corners(const Recipe& recipe, const Window& window, int64_t x, int64_t y) {
  const Sampling sampling = sampling_of(recipe);
  const Coordinates from = source_coordinates(recipe, x, y);
  const Tap tx = tap(sampling, from.x), ty = tap(sampling, from.y);
  return {resolve(tx.index, window.left, window.right, recipe.border),
          resolve(tx.index + 1, window.left, window.right, recipe.border),
          resolve(ty.index, window.top, window.bottom, recipe.border),
          resolve(ty.index + 1, window.top, window.bottom, recipe.border),
          tx.weight,
          ty.weight};
}

// ---- Shrinking: along an axis that steps by more than a pixel, with kShrink set, a triangle filter as wide as the
// step takes the place of the blend, as in Pillow and torchvision. Its weights are in 1/2^14 and add up to exactly 1.

struct Filter {
  int64_t first, count;   // source pixels
  int64_t centre, reach;  // 32.32
  int64_t total;          // the sum of the raw weights
};

// The weight of a pixel before normalization, in 2^-12 pixels.
GPUAUG_HOST_DEVICE int64_t raw_weight(const Filter& filter, int64_t pixel) {
  const int64_t away = (pixel << 32) - filter.centre;
  const int64_t left = filter.reach - (away < 0 ? -away : away);
  return left > 0 ? left >> 20 : 0;
}

// The sums of weights fit 64 bits for steps of up to 2^16 pixels. Longer steps are clamped to that.
GPUAUG_HOST_DEVICE int64_t filter_reach(int64_t step) {
  step = clamp(step, -(int64_t{1} << 48), int64_t{1} << 48);
  return step < 0 ? -step : step;
}

// The filter of an output pixel whose source coordinate is `centre`, inside [low, high).
GPUAUG_HOST_DEVICE Filter filter_at(int64_t centre, int64_t step, int64_t low, int64_t high) {
  Filter filter{};
  filter.reach = filter_reach(step);
  // The window bounds the sum for any recipe. A centre outside the window would have no pixel.
  filter.centre = clamp(centre, low << 32, (high - 1) << 32);
  filter.first = clamp((filter.centre - filter.reach) >> 32, low, high - 1);
  filter.count = clamp((filter.centre + filter.reach) >> 32, low, high - 1) - filter.first + 1;
  for (int64_t i = 0; i < filter.count; ++i) filter.total += raw_weight(filter, filter.first + i);
  return filter;
}

// Whether a pixel of a shrinking axis, at the source coordinate `centre`, shows a zero border: its nearest source pixel
// decides, and a filter never mixes the image with the border.
GPUAUG_HOST_DEVICE bool shows_beyond(int64_t centre, int64_t low, int64_t high, int64_t border) {
  const auto nearest = static_cast<int64_t>(static_cast<uint64_t>(centre) + static_cast<uint64_t>(kNearestHalf)) >> 32;
  return border == kZero && (nearest < low || nearest >= high);
}

// Steps through the weights of a filter. The running sums are rounded, not the weights, which keeps the total.
struct FilterWalk {
  int64_t before = 0;  // raw
  int64_t given = 0;   // in 1/2^14

  GPUAUG_HOST_DEVICE int next(const Filter& filter, int64_t i) {
    before += raw_weight(filter, filter.first + i);
    const int64_t sum = ((before << 14) + (filter.total >> 1)) / filter.total;
    const int weight = static_cast<int>(sum - given);
    given = sum;
    return weight;
  }
};

GPUAUG_HOST_DEVICE int filtered_across(int sum) { return (sum + (1 << 6)) >> 7; }  // a sum of levels, to 1/128
GPUAUG_HOST_DEVICE int filtered_down(int sum) { return (sum + (1 << 20)) >> 21; }  // a sum of 1/128, to levels

GPUAUG_HOST_DEVICE bool shrinks(const Recipe& recipe, int64_t step) {
  constexpr int64_t kOne = int64_t{1} << 32, kBoth = kGeometry | kShrink;
  return (recipe.stages & (kBoth | kNearest | kPerspective)) == kBoth && recipe.xy == 0 && recipe.yx == 0 &&
         (step > kOne || step < -kOne);
}

}  // namespace gpuaug
