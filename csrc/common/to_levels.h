// Turns values of 8 or 16 bits into levels, through a window [low, high] of values: low becomes black, high white. In
// integers only, so that the backends agree.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/layout.h"
#include "common/portable.h"
#include "common/stages/geometry.h"

namespace gpuaug {

// The values that a draw reads, and its window: the three words of a row of the op's `windows`.
struct ValueWindow {
  int64_t offset;     // the first value of the draw's image in the storage
  int64_t low, high;  // in 1/kValueUnit
};

// 255 * n / span to the nearest integer, halves up, for n in [0, span]. The quotient is at least 1/(2 * span) below the
// next step. The error of the product with `factor`, which is rounded up, is smaller, because both n and the span are
// shifted until the span has 22 bits: (2^22)^2 * 2 <= 2^45.
struct LevelScale {
  int32_t low;      // in 1/kValueUnit
  int32_t span;     // 1 to 2^22 - 1
  uint32_t factor;  // 255 * 2^45 / (span << shift), rounded up
  int shift;
};

// The scale of a window, whose words may hold anything.
GPUAUG_HOST_DEVICE LevelScale level_scale(const ValueWindow& window) {
  constexpr int64_t kLeast = int64_t{kLeastEnd} * kValueUnit, kMost = int64_t{kMostEnd} * kValueUnit;
  const int64_t low = clamp(window.low, kLeast, kMost - 1), span = clamp(window.high, low + 1, kMost) - low;
  int shift = 0;
  while (span << shift < int64_t{1} << 21) ++shift;
  const uint64_t factor = (uint64_t{255} << 45) / static_cast<uint64_t>(span << shift) + 1;
  return {static_cast<int32_t>(low), static_cast<int32_t>(span), static_cast<uint32_t>(factor), shift};
}

GPUAUG_HOST_DEVICE uint8_t level_of(int32_t value, const LevelScale& scale) {
  int32_t n = value * kValueUnit - scale.low;
  n = n < 0 ? 0 : (n > scale.span ? scale.span : n);
  const uint64_t product = uint64_t{static_cast<uint32_t>(n) << scale.shift} * scale.factor;
  return static_cast<uint8_t>((static_cast<uint32_t>(product >> 32) + (1 << 12)) >> 13);
}

// Whether the image of a recipe, from an offset on, lies in `values` values.
GPUAUG_HOST_DEVICE bool lies_in(int64_t values, int64_t offset, const Recipe& recipe, int channels) {
  if (recipe.height < 1 || recipe.width < 1 || offset < 0) return false;
  const int64_t left = values - offset;
  if (recipe.height > left || recipe.width > left) return false;
  // In 128 bits the product cannot overflow, and a division would be slow on a GPU.
  return static_cast<unsigned __int128>(recipe.height) * static_cast<uint64_t>(recipe.width) *
             static_cast<unsigned>(channels) <=
         static_cast<uint64_t>(left);
}

// The contiguous lines of values that the kernel will read of a draw's image.
struct Lines {
  int64_t count, length;  // the number of lines, and the values of each
  int64_t first, step;    // the begin of the first line in the image, and the step to the next in the plane
  int64_t in_plane;       // lines of each plane
  int64_t plane;          // values from one plane to the next

  GPUAUG_HOST_DEVICE int64_t begin(int64_t line) const {
    return first + line / in_plane * plane + line % in_plane * step;
  }
};

GPUAUG_HOST_DEVICE Lines lines_of(const Recipe& recipe, int channels, bool interleaved) {
  Window window{0, 0, recipe.width, recipe.height};
  if (recipe.stages & kGeometry) window = readable_window(recipe);
  const int64_t rows = window.bottom - window.top, pixel = interleaved ? channels : 1;
  const int64_t planes = interleaved ? 1 : channels, row = recipe.width * pixel;
  return {rows * planes,      (window.right - window.left) * pixel, window.top * row + window.left * pixel, row, rows,
          recipe.height * row};
}

}  // namespace gpuaug
