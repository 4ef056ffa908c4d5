// Geometry pixel by pixel: for rotations and shears, steps of more than a pixel without a filter, and strong shrinking.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/borders.h"
#include "common/stages/geometry.h"
#include "cuda/shared.cuh"

namespace gpuaug {

// The four source pixels of an output pixel, and their weights; shared by the channels.
struct Footprint {
  int64_t upper_left, upper_right, lower_left, lower_right;  // in elements from the image's first; -1: the zero border
  int across, down;
};

__device__ inline Footprint footprint(const Recipe& recipe, const Strides& strides, int64_t x, int64_t y) {
  if (!(recipe.stages & kGeometry)) {
    const int64_t at = clamp(y, 0, recipe.height - 1) * strides.row + clamp(x, 0, recipe.width - 1) * strides.column;
    return {at, at, at, at, 0, 0};
  }
  const Corners from = corners(recipe, readable_window(recipe), x, y);
  const auto at = [&](int64_t px, int64_t py) -> int64_t {
    return px < 0 || py < 0 ? -1 : py * strides.row + px * strides.column;
  };
  return {at(from.left, from.upper),
          at(from.right, from.upper),
          at(from.left, from.lower),
          at(from.right, from.lower),
          from.across,
          from.down};
}

__device__ inline int resample(const Footprint& from, const uint8_t* channel, int outside) {
  const auto pixel = [&](int64_t at) -> int { return fine(at < 0 ? outside : __ldg(channel + at)); };
  const int upper = blend(pixel(from.upper_left), pixel(from.upper_right), from.across);
  const int lower = blend(pixel(from.lower_left), pixel(from.lower_right), from.across);
  return level(blend(upper, lower, from.down));
}

// One source row at an output column, in 1/128.
__device__ inline int across_row(const Recipe& recipe, const Strides& strides, const Window& window,
                                 const uint8_t* channel, int outside, int64_t x, int64_t row) {
  const uint8_t* pixels = channel + row * strides.row;
  const int64_t coordinate = source_coordinate(recipe.xx, x, 0, 0, recipe.x1);
  if (!shrinks(recipe, recipe.xx)) {
    const Tap t = tap(sampling_of(recipe), coordinate);
    const int64_t left = resolve(t.index, window.left, window.right, recipe.border);
    const int64_t right = resolve(t.index + 1, window.left, window.right, recipe.border);
    return blend(fine(left < 0 ? outside : pixels[left * strides.column]),
                 fine(right < 0 ? outside : pixels[right * strides.column]), t.weight);
  }
  if (shows_beyond(coordinate, window.left, window.right, recipe.border)) return fine(outside);
  const Filter filter = filter_at(coordinate, recipe.xx, window.left, window.right);
  FilterWalk walk;
  int sum = 0;
  for (int64_t i = 0; i < filter.count; ++i) {
    sum += walk.next(filter, i) * pixels[(filter.first + i) * strides.column];
  }
  return filtered_across(sum);
}

// A pixel of a draw that shrinks. It computes its filters itself, that of the columns once for every row.
__device__ inline int shrink_pixel(const Recipe& recipe, const Strides& strides, const uint8_t* channel, int outside,
                                   int64_t x, int64_t y) {
  const Window window = readable_window(recipe);
  const auto row = [&](int64_t at) -> int {
    return at < 0 ? fine(outside) : across_row(recipe, strides, window, channel, outside, x, at);
  };
  const int64_t coordinate = source_coordinate(0, 0, recipe.yy, y, recipe.y1);
  if (!shrinks(recipe, recipe.yy)) {
    const Tap t = tap(sampling_of(recipe), coordinate);
    const int upper = row(resolve(t.index, window.top, window.bottom, recipe.border));
    const int lower = row(resolve(t.index + 1, window.top, window.bottom, recipe.border));
    return level(blend(upper, lower, t.weight));
  }
  if (shows_beyond(coordinate, window.top, window.bottom, recipe.border)) return outside;
  const Filter filter = filter_at(coordinate, recipe.yy, window.top, window.bottom);
  FilterWalk walk;
  int sum = 0;
  for (int64_t i = 0; i < filter.count; ++i) sum += walk.next(filter, i) * row(filter.first + i);
  return filtered_down(sum);
}

// A recipe that reads outside the storage gives levels of 0.
template <int64_t kStages>
__device__ inline void gather_tile(const Levels& levels, const TilePlan& plan, const Batch& batch) {
  const Recipe& recipe = batch.recipes[plan.draw];
  const bool nowhere = plan.from == kNowhere;
  const Strides strides = nowhere ? Strides{} : source_strides(batch, recipe);
  const bool small = (kStages & kShrink) && (shrinks(recipe, recipe.xx) || shrinks(recipe, recipe.yy));
  const int columns = plan.x.extent + 2 * plan.halo, rows = plan.y.extent + 2 * plan.halo;
  const Divisor across = plan.x.patch_places;
  const int threads = static_cast<int>(blockDim.x);
  for (int i = static_cast<int>(threadIdx.x); i < rows * columns; i += threads) {
    const int row = across.quotient(i), column = i - row * columns;
    const int64_t x = patch_pixel(plan, plan.x, column), y = patch_pixel(plan, plan.y, row);
    const bool empty = nowhere || x < 0 || y < 0;
    const Footprint own = empty || small ? Footprint{} : footprint(recipe, strides, x, y);
#pragma unroll 1  // unrolled, it would need registers that the faster paths use
    for (int c = 0; c < batch.channels; ++c) {
      const uint8_t* channel = plan.source + c * strides.channel;
      int value = 0;
      if (!empty) {
        const int outside = outside_level(recipe, c);
        value = small ? shrink_pixel(recipe, strides, channel, outside, x, y) : resample(own, channel, outside);
      }
      levels.put(c, row, column, value);
    }
  }
}

}  // namespace gpuaug
