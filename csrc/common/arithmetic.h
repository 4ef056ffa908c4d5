// The arithmetic of the stages, one fact to a function. Both backends include it, so their bytes agree.
#pragma once

#include <cstdint>

#include "common/layout.h"
#include "common/portable.h"

namespace gpuaug {

// Between two steps of a stage a value is kept in 1/128 of a level: 0 to 32640, so that 16 bits hold it, and every
// product below is one 16-bit multiplication that rounds (pmulhrsw), 32 of them to a vector.

GPUAUG_HOST_DEVICE int fine(int level) { return level * 128; }

GPUAUG_HOST_DEVICE int level(int fine) { return (fine + 64) >> 7; }

// ---- Geometry: bilinear, weights in 1/2048.

struct Tap {
  int64_t index;  // of the first of the two pixels
  int weight;     // of the second, in 1/2048
};

GPUAUG_HOST_DEVICE int64_t source_coordinate(int64_t a, int64_t x, int64_t b, int64_t y, int64_t c) {
  // Unsigned, so that a record out of range wraps where a signed sum would be undefined.
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(x) +
                              static_cast<uint64_t>(b) * static_cast<uint64_t>(y) + static_cast<uint64_t>(c));
}

GPUAUG_HOST_DEVICE Tap tap(int64_t coordinate) {
  // Round to 1/2048 first: a fraction that rounds up to 1 then carries into the index.
  const int64_t rounded = static_cast<int64_t>(static_cast<uint64_t>(coordinate) + (uint64_t{1} << 20));
  return {rounded >> 32, static_cast<int>((rounded >> 21) & 2047)};
}

// Across a row, then down a column; values and result in 1/128.
GPUAUG_HOST_DEVICE int blend(int first, int second, int weight) {
  return first + (((second - first) * weight + (1 << 10)) >> 11);
}

// ---- Borders: where a tap outside [low, high) reads. -1: nowhere, it counts as zero.

GPUAUG_HOST_DEVICE int64_t reflect(int64_t index, int64_t size) {  // 101: the edge is not repeated
  if (size == 1) return 0;
  const int64_t period = 2 * (size - 1);
  if (index > -size && index <= period) {  // once at most, without a division
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

// The window a kernel may read: never outside the image, never empty.
struct Window {
  int64_t left, top, right, bottom;
};

GPUAUG_HOST_DEVICE int64_t clamp(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : (value > high ? high : value);
}

GPUAUG_HOST_DEVICE Window readable_window(const Recipe& recipe) {
  const int64_t left = clamp(recipe.left, 0, recipe.width - 1), top = clamp(recipe.top, 0, recipe.height - 1);
  return {left, top, clamp(recipe.right, left + 1, recipe.width), clamp(recipe.bottom, top + 1, recipe.height)};
}

// The four source pixels that an output pixel (x, y) lies between, and the weights of the right and the lower ones.
struct Corners {
  int64_t left, right, upper, lower;  // -1: nowhere, it counts as zero
  int across, down;
};

GPUAUG_HOST_DEVICE Corners corners(const Recipe& recipe, const Window& window, int64_t x, int64_t y) {
  const Tap tx = tap(source_coordinate(recipe.xx, x, recipe.xy, y, recipe.x1));
  const Tap ty = tap(source_coordinate(recipe.yx, x, recipe.yy, y, recipe.y1));
  return {resolve(tx.index, window.left, window.right, recipe.border),
          resolve(tx.index + 1, window.left, window.right, recipe.border),
          resolve(ty.index, window.top, window.bottom, recipe.border),
          resolve(ty.index + 1, window.top, window.bottom, recipe.border),
          tx.weight,
          ty.weight};
}

// ---- Shrinking: where an axis steps by more than a pixel and kShrink is set, a triangle filter as wide as the step
// takes the place of the blend, as in Pillow and torchvision. Its weights are in 1/2^14 and add up to that exactly.

struct Filter {
  int64_t first, count;   // source pixels
  int64_t centre, reach;  // 32.32
  int64_t total;          // of the raw weights
};

// How much a pixel weighs before normalisation, in 2^-12 pixels.
GPUAUG_HOST_DEVICE int64_t raw_weight(const Filter& filter, int64_t pixel) {
  const int64_t away = (pixel << 32) - filter.centre;
  const int64_t left = filter.reach - (away < 0 ? -away : away);
  return left > 0 ? left >> 20 : 0;
}

// Sums of weights fit 64 bits for steps of up to 2^16 pixels; a record that asks for more gets that.
GPUAUG_HOST_DEVICE int64_t filter_reach(int64_t step) {
  step = clamp(step, -(int64_t{1} << 48), int64_t{1} << 48);
  return step < 0 ? -step : step;
}

// The filter of an output pixel whose source coordinate is `centre`, inside [low, high).
GPUAUG_HOST_DEVICE Filter filter_at(int64_t centre, int64_t step, int64_t low, int64_t high) {
  Filter filter{};
  filter.reach = filter_reach(step);
  // The window bounds the sum, whatever the record says; a centre outside it would have no pixel.
  filter.centre = clamp(centre, low << 32, (high - 1) << 32);
  filter.first = clamp((filter.centre - filter.reach) >> 32, low, high - 1);
  filter.count = clamp((filter.centre + filter.reach) >> 32, low, high - 1) - filter.first + 1;
  for (int64_t i = 0; i < filter.count; ++i) filter.total += raw_weight(filter, filter.first + i);
  return filter;
}

// Walks over a filter's weights. Rounding the running sums, not the weights, keeps their total.
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

GPUAUG_HOST_DEVICE int filtered_across(int sum) { return (sum + (1 << 6)) >> 7; }  // of levels, to 1/128
GPUAUG_HOST_DEVICE int filtered_down(int sum) { return (sum + (1 << 20)) >> 21; }  // of 1/128, to levels

GPUAUG_HOST_DEVICE bool shrinks(const Recipe& recipe, int64_t step) {
  constexpr int64_t kOne = int64_t{1} << 32, kBoth = kGeometry | kShrink;
  return (recipe.stages & kBoth) == kBoth && recipe.xy == 0 && recipe.yx == 0 && (step > kOne || step < -kOne);
}

// ---- Blur: separable. A pair of neighbours pulls the centre towards its mean; twice its weight comes in 1/2^15.

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

// The article's kernel, 1/273 of [[1,4,7,4,1],[4,16,26,16,4],[7,26,41,26,7],...]: outer([1,4,7,4,1]) but for a cross,
// where it has 2 less north, east, south and west, and 8 less in the centre. Truncated, as the article's cast to uint8
// is.

GPUAUG_HOST_DEVICE int article_across(int left2, int left1, int middle, int right1, int right2) {
  return left2 + right2 + 4 * (left1 + right1) + 7 * middle;
}

GPUAUG_HOST_DEVICE int article_down(int up2, int up1, int middle, int down1, int down2, int north, int east, int south,
                                    int west, int centre) {
  const int outer = up2 + down2 + 4 * (up1 + down1) + 7 * middle;
  return (outer - 2 * (north + east + south + west) - 8 * centre) / 273;
}

GPUAUG_HOST_DEVICE int64_t blur_border(const Recipe& recipe) { return recipe.blur == kArticle ? kZero : kReflect; }

// ---- Alpha: the fourth of four channels moves with its pixel and is blurred with it; no other stage changes it.

GPUAUG_HOST_DEVICE int colored(int channels) { return channels < 3 ? channels : 3; }

// ---- Color: each of the first three channels becomes a sum of them, rounded, then held to 0 to 255.
// Of one channel or two, the last one stands for those that are not there. Products are of 16 bits, sums of 32.

struct ColorRow {
  int red, green, blue;  // in 1/2^12, -8 to 8
  int added;             // in 1/2^12 of a level, and half a level for the rounding
};

GPUAUG_HOST_DEVICE ColorRow color_row(int64_t red, int64_t green, int64_t blue, int64_t added) {
  constexpr int64_t kLeast = -(1 << 15), kMost = (1 << 15) - 1, kFar = 1 << 28;  // beyond that all is black or white
  return {static_cast<int>(clamp(red, kLeast, kMost)), static_cast<int>(clamp(green, kLeast, kMost)),
          static_cast<int>(clamp(blue, kLeast, kMost)), static_cast<int>(clamp(added, -kFar, kFar) + (1 << 11))};
}

GPUAUG_HOST_DEVICE ColorRow color_row(const Recipe& recipe, int channel) {
  if (channel == 0) return color_row(recipe.rr, recipe.rg, recipe.rb, recipe.r1);
  if (channel == 1) return color_row(recipe.gr, recipe.gg, recipe.gb, recipe.g1);
  return color_row(recipe.br, recipe.bg, recipe.bb, recipe.b1);
}

GPUAUG_HOST_DEVICE int color(const ColorRow& row, int red, int green, int blue) {
  const int level = (row.red * red + row.green * green + row.blue * blue + row.added) >> 12;
  return level < 0 ? 0 : (level > 255 ? 255 : level);
}

// ---- Erasing.

struct Quad {
  int a, b, c, d;
};

GPUAUG_HOST_DEVICE Quad quad_of(int64_t word) {
  const auto part = [word](int k) { return static_cast<int>(static_cast<uint64_t>(word) >> (16 * k) & 0xFFFF); };
  return {part(0), part(1), part(2), part(3)};
}

// Left, top, right, bottom.
GPUAUG_HOST_DEVICE Quad erased_box(const Recipe& recipe, int i) {
  return quad_of(i < 2 ? (i == 0 ? recipe.box0 : recipe.box1) : (i == 2 ? recipe.box2 : recipe.box3));
}

// Whether the grid erases something in row y; a unit of nothing is no grid.
GPUAUG_HOST_DEVICE bool grid_crosses(const Recipe& recipe, int64_t y) {
  const Quad grid = quad_of(recipe.grid), at = quad_of(recipe.grid_at);
  return grid.a > 0 && grid.b > 0 && (y + at.b) % grid.b < grid.d;
}

GPUAUG_HOST_DEVICE int erase_level(const Recipe& recipe) { return static_cast<int>(recipe.fill & 0xFF); }

}  // namespace gpuaug
