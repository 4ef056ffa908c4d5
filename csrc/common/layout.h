// Made from gpuaug/recipe/layout.py, which is the one to change, by `python -m gpuaug.recipe.header`.
// clang-format off
#pragma once

#include <cstddef>
#include <cstdint>

namespace gpuaug {

// Bits of Recipe::stages, and of the union over a batch that picks a kernel's variant.
enum StageBit : int64_t {
  kGeometry = 1, kBlur = 2, kImpulse = 4, kShrink = 8, kColor = 16, kErase = 32, kCurves = 64, kNoise = 128,
  kStatistics = 256, kSharpness = 512, kNearest = 1024, kPerspective = 2048
};

enum Border : int64_t { kEdge = 0, kZero = 1, kReflect = 2 };

enum BlurKind : int64_t { kGaussian = 0, kArticle = 1, kSharpen = 2 };

enum Curve : int64_t {
  kNoCurve = 0, kPosterize = 1, kSolarize = 2, kPower = 3, kAutocontrast = 4, kEqualize = 5, kContrast = 6
};

enum NoiseKind : int64_t { kNormal = 1, kFactor = 2 };

constexpr int64_t kPerChannel = 256;
constexpr int64_t kPerPixel = 512;
constexpr int64_t kFirstChannel = 65536;

constexpr int kBoxes = 4;
constexpr int kMostCurves = 3;
constexpr int kTries = 10;
constexpr int kBlurUnit = 32768;
constexpr int kColorUnit = 4096;
constexpr int kImpulseUnit = 65536;
constexpr int kFirstFree = 37;
constexpr int kSharpenUnit = 65536;
constexpr int kMostSharpening = 655360;
constexpr int kContrastUnit = 65536;
constexpr int kMostContrast = 655360;
constexpr int kValueUnit = 16;
constexpr int kLeastEnd = -65536;
constexpr int kMostEnd = 131072;
constexpr int kGreyRed = 19595;
constexpr int kGreyGreen = 38470;
constexpr int kGreyBlue = 7471;
constexpr double kPerspectiveUnit = 281474976710656.0;
constexpr int64_t kNearestHalf = 2147487744;
constexpr double kFixedPoint = 4294967296.0, kSteady = 1073741824.0;
constexpr double kLuma[3] = {0.299, 0.587, 0.114};  // ITU-R BT.601
constexpr double kQuarter[3][3] = {{-0.167911, -0.329645, 0.497556}, {0.327953, -0.035089, -0.292864}, {-1.248272, 1.045272, 0.203}};

// Entries of a program, and the operands of each, the selection of draws among them.
enum class Opcode : int64_t {
  kCrop = 0, kWindow = 1, kFit = 2, kResize = 3, kFlip = 4, kAffine = 5, kBorder = 6, kBlur = 7, kImpulse = 8,
  kColor = 9, kAdjust = 10, kCurve = 11, kCutOut = 12, kWords = 13, kNearest = 14, kPerspective = 15
};

constexpr int64_t kArity[] = {5, 6, 25, 4, 2, 8, 3, 3, 5, 13, 7, 2, 6, 4, 1, 9};

struct Recipe {
  // The stages of this draw, as bits.
  int64_t stages;

  // Source image: its first byte in the storage, and its size in pixels.
  int64_t offset, width, height;

  // Geometry: the inverse affine map, from an output pixel's (x, y) to the source's, pixel centres on whole
  // numbers, 32.32 fixed point: source x = xx * x + xy * y + x1. Taps beyond the window [left, right) x [top,
  // bottom) follow the border.
  int64_t xx, yy, xy, yx, x1, y1;
  int64_t left, top, right, bottom;
  int64_t border;

  // Geometry: the levels of a zero border, 8 bits for each channel, the first in the lowest bits.
  int64_t outside;

  // Perspective: the divisor of the map's sums, px * x + py * y + p1, in 1/2^48.
  int64_t px, py, p1;

  // Blur: its kind; the weight of the two taps two pixels away together, and of the two taps one pixel away
  // together, in 1/2^15. For sharpening, `outer` is the factor, in 1/2^16.
  int64_t blur, outer, inner;

  // Color: the weights of red, green and blue in each of the three, in 1/2^12, and a number to add, in 1/2^12 of a
  // level.
  int64_t rr, rg, rb, r1;
  int64_t gr, gg, gb, g1;
  int64_t br, bg, bb, b1;

  // Curves: up to three, applied one after another. A word has the curve in its low eight bits, and its parameter
  // above them. Measured curves also need the stage bit STATISTICS.
  int64_t curve0, curve1, curve2;

  // Noise: its kind and flags, and in bits 16 to 23 the number of the image's channel that is the first here; its
  // place in the chain, its least value and its span. It uses the key below.
  int64_t noise, noise_place, noise_low, noise_span;

  // Impulse noise: a pixel becomes 255 if its 16 random bits are below `salt`, else 0 if they are below `pepper`,
  // which includes the share of salt. The bits come from the draw's key and the place in the chain.
  int64_t key, place, salt, pepper;

  // Erasing: the level to fill with, up to four boxes of the output, and a grid. Boxes and grids are words of four
  // 16-bit numbers, the first in the lowest bits: left, top, right, bottom (exclusive) of a box; the side of a
  // grid's unit in x and y, and of the erased part of it, in x and y; the pixels by which the first units are cut
  // off, in x and y.
  int64_t fill, box0, box1, box2, box3, grid, grid_at;
};

constexpr size_t kRecipeWords = sizeof(Recipe) / sizeof(int64_t);
static_assert(kRecipeWords == 52);

}  // namespace gpuaug
