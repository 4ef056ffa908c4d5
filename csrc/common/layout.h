// The record of one draw: what its transforms compiled to. gpuaug/recipe/layout.py lists it, field for field.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gpuaug {

// Bits of Recipe::stages, and of the union over a batch that picks a kernel's variant.
enum Stage : int64_t {
  kGeometry = 1,
  kBlur = 2,
  kImpulse = 4,
  kShrink = 8,
  kColor = 16,
  kErase = 32,
  kCurves = 64,
  kNoise = 128
};

enum Border : int64_t { kEdge = 0, kZero = 1, kReflect = 2 };

enum BlurKind : int64_t { kGaussian = 0, kArticle = 1 };

struct Recipe {
  int64_t stages;

  // Source image: its first byte in the storage, and its size in pixels.
  int64_t offset, width, height;

  // Geometry: the inverse affine map, from an output pixel's (x, y) to the source's, pixel centres on whole
  // numbers, 32.32 fixed point: source x = xx * x + xy * y + x1. Taps beyond the window [left, right) x [top, bottom)
  // follow the border.
  int64_t xx, yy, xy, yx, x1, y1;
  int64_t left, top, right, bottom;
  int64_t border;

  // Blur: of the two taps two pixels away, and of the two taps one pixel away, the weights together, in 1/2^15.
  int64_t blur, outer, inner;

  // Impulse noise: a pixel whose 16 bits lie below `salt` becomes 255, else below `pepper` 0. The thresholds add up.
  int64_t key, place, salt, pepper;

  // Color: what red, green and blue each become of the three, in 1/2^12, and what is added, in 1/2^12 of a level.
  int64_t rr, rg, rb, r1;
  int64_t gr, gg, gb, g1;
  int64_t br, bg, bb, b1;

  // Curves: up to three curves, one after another; curves.h says what their words are.
  int64_t curve0, curve1, curve2;

  // Noise, from the same key: noise.h says what the words are.
  int64_t noise, noise_place, noise_low, noise_span;

  // Erasing: up to four boxes of the output and a grid, and the level that takes their place. Words of four 16-bit
  // numbers, the first in the lowest bits: a box's left, top, right, bottom (exclusive); a grid's unit in x and y and
  // the part of it that is erased, in x and y; and how many pixels the first units lack, in x and y.
  int64_t fill, box0, box1, box2, box3, grid, grid_at;
};

constexpr size_t kRecipeWords = sizeof(Recipe) / sizeof(int64_t);
static_assert(kRecipeWords == 48, "gpuaug/recipe/layout.py lists 48 fields");

}  // namespace gpuaug
