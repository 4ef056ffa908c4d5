// A tape: what the transforms of a batch wrote, entry by entry, and what makes of it the record of one draw.
// gpuaug/tape.py says what the entries are, and does the same in PyTorch.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "recipe.h"

namespace gpuaug {

constexpr int kTries = 10;  // windows to choose from in an entry that fits one

enum Opcode : int64_t { kCropTo, kWindow, kFit, kResize, kFlip, kSetBorder, kSetBlur, kSetNoise };

// Operands of each entry; the first says whom it is for.
constexpr int64_t kArity[] = {5, 6, 5 + 2 * kTries, 4, 2, 2, 4, 5};

// As PyTorch casts: what no int64 can hold becomes the least one.
inline int64_t to_int64(double value) {
  return std::abs(value) < 0x1p63 ? static_cast<int64_t>(value) : std::numeric_limits<int64_t>::min();
}

// One number for each draw, as it lies in a tensor; a step of 0 is one number for all.
struct Column {
  enum class Type { kDouble, kInt64, kFloat, kBool };

  const char* data;
  int64_t step;  // in bytes
  Type type;

  double real(int64_t draw) const {
    const char* at = data + draw * step;
    switch (type) {
      case Type::kDouble:
        return *reinterpret_cast<const double*>(at);
      case Type::kInt64:
        return static_cast<double>(*reinterpret_cast<const int64_t*>(at));
      case Type::kFloat:
        return *reinterpret_cast<const float*>(at);
      case Type::kBool:
        return *at != 0;
    }
    return 0;
  }

  int64_t whole(int64_t draw) const {
    if (type == Type::kInt64) return *reinterpret_cast<const int64_t*>(data + draw * step);
    return to_int64(real(draw));
  }
};

// One draw while a tape is executed. Its geometry is one map for each axis, source = scale * output + shift, in
// continuous coordinates: pixel centres at halves. [0] is x, [1] is y.
class DraftedDraw {
 public:
  DraftedDraw(int64_t offset, int64_t width, int64_t height) {
    recipe_.offset = offset;
    recipe_.width = width;
    recipe_.height = height;
    for (int axis : {0, 1}) {
      high_[axis] = axis == 0 ? width : height;
      extent_[axis] = static_cast<double>(high_[axis]);
    }
  }

  void execute(Opcode opcode, const Column* given, int64_t draw) {
    const auto real = [&](int operand) { return given[operand].real(draw); };
    const auto whole = [&](int operand) { return given[operand].whole(draw); };
    switch (opcode) {
      case kCropTo:
        for (int axis : {0, 1}) crop(axis, real(axis), real(2 + axis));
        break;
      case kWindow:
        for (int axis : {0, 1}) {
          const double extent = real(2 + axis), padding = real(4);
          const double room = extent_[axis] + (2 * padding - extent);
          crop(axis, std::trunc(real(axis) * (room + 1)) - padding, extent);
        }
        break;
      case kFit:
        fit(given, draw);
        break;
      case kResize:
        resize(real(0), real(1), real(2) != 0);
        break;
      case kFlip: {
        const int axis = whole(0) == 0 ? 0 : 1;
        shift_[axis] = shift_[axis] + scale_[axis] * extent_[axis];
        scale_[axis] = -scale_[axis];
        break;
      }
      case kSetBorder:
        recipe_.border = whole(0);
        break;
      case kSetBlur:
        recipe_.stages |= kBlur;
        recipe_.blur = whole(0);
        recipe_.outer = whole(1);
        recipe_.inner = whole(2);
        break;
      case kSetNoise: {
        const double salt = real(2), pepper = real(3);
        recipe_.stages |= kNoise;
        recipe_.key = whole(0);
        recipe_.place = whole(1);
        recipe_.salt = to_int64(std::nearbyint(salt * kNoiseUnit));
        recipe_.pepper = to_int64(std::nearbyint((salt + pepper) * kNoiseUnit));
        break;
      }
    }
  }

  Recipe recipe(int64_t width, int64_t height) const {
    Recipe out = recipe_;
    int64_t scale[2], shift[2];
    for (int axis : {0, 1}) {
      scale[axis] = to_int64(std::nearbyint(scale_[axis] * kFixedPoint));
      // From continuous coordinates to whole-numbered pixel centres.
      shift[axis] = to_int64(std::nearbyint((0.5 * scale_[axis] + shift_[axis] - 0.5) * kFixedPoint));
    }
    out.xx = scale[0], out.yy = scale[1], out.x1 = shift[0], out.y1 = shift[1];
    out.left = low_[0], out.top = low_[1], out.right = high_[0], out.bottom = high_[1];
    const bool copied = scale[0] == kOne && scale[1] == kOne && shift[0] == 0 && shift[1] == 0 && out.width == width &&
                        out.height == height;
    if (!copied) out.stages |= kGeometry;
    if (smooth_ && (shrinks(scale[0]) || shrinks(scale[1]))) out.stages |= kShrink;
    return out;
  }

 private:
  static constexpr double kFixedPoint = 0x1p32, kNoiseUnit = 0x1p16;
  static constexpr int64_t kOne = int64_t{1} << 32;

  // The least int64 counts as none: it has no absolute value.
  static bool shrinks(int64_t scale) {
    return scale > kOne || (scale < -kOne && scale != std::numeric_limits<int64_t>::min());
  }

  void crop(int axis, double corner, double extent) {
    shift_[axis] = shift_[axis] + scale_[axis] * corner;
    extent_[axis] = extent;
  }

  // Operands: fractions of the room in x and y, the least and the most ratio, shares of the area, ratios.
  void fit(const Column* given, int64_t draw) {
    const auto real = [&](int operand) { return given[operand].real(draw); };
    const double pixels = extent_[0] * extent_[1];
    for (int t = 0; t < kTries; ++t) {
      const double area = pixels * real(4 + t), ratio = real(4 + kTries + t);
      const double window[2] = {std::nearbyint(std::sqrt(area * ratio)), std::nearbyint(std::sqrt(area / ratio))};
      if (!(window[0] > 0 && window[0] <= extent_[0] && window[1] > 0 && window[1] <= extent_[1])) continue;
      for (int axis : {0, 1}) crop(axis, std::trunc(real(axis) * (extent_[axis] - window[axis] + 1)), window[axis]);
      return;
    }
    const double longest[2] = {extent_[1] * real(3), extent_[0] / real(2)};
    for (int axis : {0, 1}) {
      const double window = std::min(extent_[axis], std::max(std::nearbyint(longest[axis]), 1.0));
      crop(axis, std::floor((extent_[axis] - window) / 2), window);
    }
  }

  void resize(double width, double height, bool antialias) {
    const double extent[2] = {width, height};
    const double ratio[2] = {extent_[0] / width, extent_[1] / height};
    const bool clips = ratio[0] != 1 || ratio[1] != 1;
    for (int axis : {0, 1}) {
      if (clips) clip(axis);
      scale_[axis] = scale_[axis] * ratio[axis];
      extent_[axis] = extent[axis];
    }
    smooth_ = smooth_ || antialias;
  }

  // Narrow the window to the present image: an interpolation does not read past a crop's edge.
  void clip(int axis) {
    const double begin = shift_[axis], end = begin + scale_[axis] * extent_[axis];
    low_[axis] = std::max(low_[axis], to_int64(std::floor(std::min(begin, end))));
    high_[axis] = std::min(high_[axis], to_int64(std::ceil(std::max(begin, end))));
  }

  Recipe recipe_{};
  double scale_[2] = {1, 1}, shift_[2] = {0, 0};
  double extent_[2];  // of the image as the next entry sees it
  int64_t low_[2] = {0, 0}, high_[2];
  bool smooth_ = false;  // shrinks with antialiasing
};

// A tape, ready to be executed: its entries, each with its operands one after another.
struct Tape {
  struct Entry {
    Opcode opcode;
    const Column* operands;
  };

  Column first, step, width, height;  // where the draws' images lie
  std::vector<Entry> entries;

  Recipe operator()(int64_t draw, int64_t out_width, int64_t out_height) const {
    DraftedDraw drafted(first.whole(draw) + draw * step.whole(draw), width.whole(draw), height.whole(draw));
    for (const auto& [opcode, operands] : entries) {
      if (operands[0].whole(draw) != 0) drafted.execute(opcode, operands + 1, draw);
    }
    return drafted.recipe(out_width, out_height);
  }
};

}  // namespace gpuaug
