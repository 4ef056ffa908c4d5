// Executes a program, the list of operations that a chain records for a batch; the result is the recipe of one draw.
// gpuaug/recipe/program.py describes the entries; gpuaug/recipe/assemble.py does the same in PyTorch.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "common/layout.h"
#include "host/casts.h"
#include "host/color_matrix.h"

namespace gpuaug {

// A column of a tensor: one number for each draw. A step of 0 means one number for all.
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

// The state of one draw while a program is executed. Its geometry is one affine map, source = map * output + shift, in
// continuous coordinates (pixel centres at halves). [0] is x, [1] is y. Sums are made in the same order as in PyTorch:
// terms off the diagonal come last, so that zeros there change nothing.
class AssembledDraw {
 public:
  AssembledDraw(int64_t offset, int64_t width, int64_t height) {
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
      case Opcode::kCrop:
        crop({real(0), real(1)}, {real(2), real(3)});
        break;
      case Opcode::kWindow: {
        Pair corner, extent;
        for (int axis : {0, 1}) {
          extent[axis] = real(2 + axis);
          const double padding = real(4), room = extent_[axis] + (2 * padding - extent[axis]);
          corner[axis] = std::trunc(real(axis) * (room + 1)) - padding;
        }
        crop(corner, extent);
        break;
      }
      case Opcode::kFit:
        fit(given, draw);
        break;
      case Opcode::kResize:
        resize(real(0), real(1), real(2) != 0);
        break;
      case Opcode::kFlip: {
        const int axis = whole(0) == 0 ? 0 : 1;
        for (int row : {0, 1}) {
          shift_[row] = shift_[row] + map_[row][axis] * extent_[axis];
          map_[row][axis] = -map_[row][axis];
        }
        unit_ = unit_ + bottom_[axis] * extent_[axis];
        bottom_[axis] = -bottom_[axis];
        break;
      }
      case Opcode::kAffine:
        turn({{{real(0), real(1)}, {real(2), real(3)}}}, real(4), {real(5), real(6)});
        break;
      case Opcode::kBorder:
        recipe_.border = whole(0);
        recipe_.outside = whole(1);
        break;
      case Opcode::kBlur:
        recipe_.stages |= kBlur;
        recipe_.blur = whole(0);
        if (recipe_.blur == kSharpen) {
          recipe_.outer = to_int64(std::nearbyint(real(1) * kSharpenUnit)), recipe_.inner = 0;
        } else if (recipe_.blur != kArticle) {
          weigh_blur(real(1));
        }
        break;
      case Opcode::kImpulse: {
        const double salt = real(2), pepper = real(3);
        recipe_.stages |= kImpulse;
        recipe_.key = whole(0);
        recipe_.place = whole(1);
        recipe_.salt = to_int64(std::nearbyint(salt * kImpulseUnit));
        recipe_.pepper = to_int64(std::nearbyint((salt + pepper) * kImpulseUnit));
        break;
      }
      case Opcode::kColor: {
        ColorMatrix::Matrix given_rows;
        for (int word = 0; word < 12; ++word) given_rows[word / 4][word % 4] = real(word);
        recipe_.stages |= kColor;
        colors_.mix(given_rows);
        break;
      }
      case Opcode::kCurve: {
        int64_t& place = recipe_.curve0 == 0 ? recipe_.curve0 : (recipe_.curve1 == 0 ? recipe_.curve1 : recipe_.curve2);
        recipe_.stages |= kCurves;
        place = whole(0);
        break;
      }
      case Opcode::kAdjust:
        recipe_.stages |= kColor;
        colors_.adjust(real(0), real(1), real(2), real(3) != 0, real(4), real(5));
        break;
      case Opcode::kCutOut:
        recipe_.stages |= kErase;
        cut_out({real(0), real(1)}, {whole(2), whole(3)}, whole(4));
        break;
      case Opcode::kPerspective:
        recipe_.stages |= kPerspective;
        project({{{real(0), real(1), real(2)}, {real(3), real(4), real(5)}, {real(6), real(7), 1}}});
        break;
      case Opcode::kNearest:
        recipe_.stages |= kNearest;
        break;
      case Opcode::kWords:
        break;  // set_words executes it
    }
  }

  // Gives the draw a stage and sets `count` words of its recipe, from the index `first` on.
  void set_words(int64_t bit, int64_t first, int64_t count, const Column* given, int64_t draw) {
    recipe_.stages |= bit;
    auto* words = reinterpret_cast<int64_t*>(&recipe_);
    for (int64_t k = 0; k < count; ++k) words[first + k] = given[k].whole(draw);
  }

  Recipe recipe(int64_t width, int64_t height) const {
    Recipe out = recipe_;
    int64_t scale[2], cross[2], shift[2];
    const bool divided = out.stages & kPerspective;
    const double unit = (0.5 * bottom_[0] + 0.5 * bottom_[1]) + unit_;
    const double most = divided ? largest_divisor(unit, width, height) : 1;
    for (int axis : {0, 1}) {
      double own = map_[axis][axis], other = map_[axis][1 - axis];
      // From continuous coordinates to pixel centres on whole numbers.
      double start = 0.5 * own + shift_[axis] + 0.5 * other;
      if (divided) {
        own = (own - 0.5 * bottom_[axis]) / most;
        other = (other - 0.5 * bottom_[1 - axis]) / most;
        start = (start - 0.5 * unit) / most;
      } else {
        start = start - 0.5;
      }
      scale[axis] = to_int64(std::nearbyint(own * kFixedPoint));
      cross[axis] = to_int64(std::nearbyint(other * kFixedPoint));
      shift[axis] = to_int64(std::nearbyint(start * kFixedPoint));
    }
    if (divided) {
      const auto part = [&](double value) { return to_int64(std::nearbyint(value / most * kPerspectiveUnit)); };
      out.px = part(bottom_[0]), out.py = part(bottom_[1]), out.p1 = part(unit);
    }
    out.xx = scale[0], out.yy = scale[1], out.xy = cross[0], out.yx = cross[1], out.x1 = shift[0], out.y1 = shift[1];
    if (out.stages & kColor) colors_.write(out);
    out.left = low_[0], out.top = low_[1], out.right = high_[0], out.bottom = high_[1];
    const bool along_axes = cross[0] == 0 && cross[1] == 0 && !divided;
    const bool copied = along_axes && scale[0] == kOne && scale[1] == kOne && shift[0] == 0 && shift[1] == 0 &&
                        out.width == width && out.height == height;
    if (!copied) out.stages |= kGeometry;
    if (smooth_ && !(out.stages & kNearest) && along_axes && (shrinks(scale[0]) || shrinks(scale[1])))
      out.stages |= kShrink;
    return out;
  }

 private:
  static constexpr int64_t kOne = int64_t{1} << 32;

  // The least int64 is excluded, as it has no absolute value.
  static bool shrinks(int64_t scale) {
    return scale > kOne || (scale < -kOne && scale != std::numeric_limits<int64_t>::min());
  }

  using Pair = std::array<double, 2>;

  // The largest divisor at the output's corners. Quotients by it stay in range.
  double largest_divisor(double unit, int64_t width, int64_t height) const {
    const double across = bottom_[0] * (static_cast<double>(width) - 1);
    const double down = bottom_[1] * (static_cast<double>(height) - 1);
    double most = unit;
    for (const double corner : {unit + across, unit + down, unit + across + down}) most = std::max(most, corner);
    return most;
  }

  // `given` is the matrix from output to input coordinates, by rows.
  void project(const std::array<std::array<double, 3>, 3>& given) {
    clip();
    warped_ = true;
    const auto product = [&](double& x, double& y, double& one) {
      const double before[3] = {x, y, one};
      double* const after[3] = {&x, &y, &one};
      for (int column : {0, 1, 2}) {
        *after[column] = (before[0] * given[0][column] + before[1] * given[1][column]) + before[2] * given[2][column];
      }
    };
    for (int row : {0, 1}) product(map_[row][0], map_[row][1], shift_[row]);
    product(bottom_[0], bottom_[1], unit_);
  }

  void crop(Pair corner, Pair extent) {
    for (int axis : {0, 1}) {
      shift_[axis] = shift_[axis] + map_[axis][axis] * corner[axis] + map_[axis][1 - axis] * corner[1 - axis];
    }
    unit_ = unit_ + bottom_[0] * corner[0] + bottom_[1] * corner[1];
    extent_ = extent;
  }

  // An affine map about the middle, after a translation by `shares` of the extent, in whole pixels. `given`, divided by
  // the scale, is the matrix from output to input coordinates.
  void turn(const std::array<Pair, 2>& given, double scale, Pair shares) {
    std::array<Pair, 2> inverse;
    for (int row : {0, 1}) {
      for (int column : {0, 1}) {
        inverse[row][column] = std::nearbyint(given[row][column] / scale * kSteady) / kSteady;
      }
    }
    clip();
    warped_ = true;  // from here on crops do not clip: taps read the image or its border
    Pair from, start;
    for (int axis : {0, 1}) from[axis] = 0.5 * extent_[axis] + std::nearbyint(shares[axis] * extent_[axis]);
    for (int axis : {0, 1}) {
      start[axis] = 0.5 * extent_[axis] - (inverse[axis][0] * from[0] + inverse[axis][1] * from[1]);
    }
    for (int row : {0, 1}) {
      const double x = map_[row][0], y = map_[row][1];
      shift_[row] = shift_[row] + (x * start[0] + y * start[1]);
      for (int column : {0, 1}) map_[row][column] = x * inverse[0][column] + y * inverse[1][column];
    }
    const double left = bottom_[0], right = bottom_[1];
    unit_ = unit_ + (left * start[0] + right * start[1]);
    for (int column : {0, 1}) bottom_[column] = left * inverse[0][column] + right * inverse[1][column];
  }

  // Adds a box around a place of the extent, clipped at its border, as the first free one.
  void cut_out(Pair place, std::array<int64_t, 2> size, int64_t fill) {
    uint64_t word = 0;
    for (int axis : {0, 1}) {
      const int64_t low = wrapped_sum(to_int64(place[axis] * extent_[axis]), -(size[axis] / 2));
      const int64_t end = std::min(wrapped_sum(low, size[axis]), to_int64(extent_[axis]));
      word |= static_cast<uint64_t>(std::clamp<int64_t>(low, 0, 0xFFFF)) << (16 * axis);
      word |= static_cast<uint64_t>(std::clamp<int64_t>(end, 0, 0xFFFF)) << (16 * axis + 32);
    }
    int64_t* const boxes[kBoxes] = {&recipe_.box0, &recipe_.box1, &recipe_.box2, &recipe_.box3};
    int taken = 0;
    for (const int64_t* box : boxes) taken += *box != 0;
    *boxes[std::min(taken, kBoxes - 1)] = static_cast<int64_t>(word);
    recipe_.fill = fill;
  }

  // The weights of the two outer taps together, and of the two inner ones, where all weights add up to 1.
  void weigh_blur(double sigma) {
    const auto side = [sigma](double distance) { return std::exp(-0.5 * (distance / sigma * (distance / sigma))); };
    const double outer = side(2), inner = side(1), total = 1 + 2 * (outer + inner);
    recipe_.outer = to_int64(std::nearbyint(outer * (2 * kBlurUnit) / total));
    recipe_.inner = to_int64(std::nearbyint(inner * (2 * kBlurUnit) / total));
  }

  // Operands: fractions of the room in x and y, the least and the most ratio, shares of the area, ratios.
  void fit(const Column* given, int64_t draw) {
    const auto real = [&](int operand) { return given[operand].real(draw); };
    const double pixels = extent_[0] * extent_[1];
    for (int t = 0; t < kTries; ++t) {
      const double area = pixels * real(4 + t), ratio = real(4 + kTries + t);
      const Pair window{std::nearbyint(std::sqrt(area * ratio)), std::nearbyint(std::sqrt(area / ratio))};
      Pair corner;
      if (!(window[0] > 0 && window[0] <= extent_[0] && window[1] > 0 && window[1] <= extent_[1])) continue;
      for (int axis : {0, 1}) corner[axis] = std::trunc(real(axis) * (extent_[axis] - window[axis] + 1));
      crop(corner, window);
      return;
    }
    const double longest[2] = {extent_[1] * real(3), extent_[0] / real(2)};
    Pair window, corner;
    for (int axis : {0, 1}) {
      window[axis] = std::min(extent_[axis], std::max(std::nearbyint(longest[axis]), 1.0));
      corner[axis] = std::floor((extent_[axis] - window[axis]) / 2);
    }
    crop(corner, window);
  }

  void resize(double width, double height, bool antialias) {
    const Pair ratio{extent_[0] / width, extent_[1] / height};
    if (ratio[0] != 1 || ratio[1] != 1) clip();
    for (int row : {0, 1}) {
      for (int axis : {0, 1}) map_[row][axis] = map_[row][axis] * ratio[axis];
    }
    for (int axis : {0, 1}) bottom_[axis] = bottom_[axis] * ratio[axis];
    extent_ = {width, height};
    smooth_ = smooth_ || antialias;
  }

  // Narrows the window to the current image: interpolation must not read past the edge of a crop.
  void clip() {
    if (warped_) return;
    for (int axis : {0, 1}) {
      const double begin = shift_[axis], end = begin + map_[axis][axis] * extent_[axis];
      low_[axis] = std::max(low_[axis], to_int64(std::floor(std::min(begin, end))));
      high_[axis] = std::min(high_[axis], to_int64(std::ceil(std::max(begin, end))));
    }
  }

  Recipe recipe_{};
  std::array<Pair, 2> map_{{{1, 0}, {0, 1}}};
  Pair shift_{0, 0};
  Pair bottom_{0, 0};  // with a perspective, the map is divided by bottom * output + unit
  double unit_ = 1;
  Pair extent_;  // the size of the image that the next entry sees
  int64_t low_[2] = {0, 0}, high_[2];
  ColorMatrix colors_;
  bool smooth_ = false;  // shrinks with antialiasing
  bool warped_ = false;
};

// A program ready for execution: its entries, with the operands of each one after another.
struct Program {
  struct Entry {
    Opcode opcode;
    const Column* operands;                 // the first selects draws
    int64_t bit = 0, first = 0, count = 0;  // of kWords
  };

  Column first, step, width, height;  // the source images of the draws
  std::vector<Entry> entries;

  Recipe operator()(int64_t draw, int64_t out_width, int64_t out_height) const {
    const int64_t offset = wrapped_sum(first.whole(draw), wrapped_product(draw, step.whole(draw)));
    AssembledDraw assembled(offset, width.whole(draw), height.whole(draw));
    for (const auto& [opcode, operands, bit, first, count] : entries) {
      if (operands[0].whole(draw) == 0) continue;
      if (opcode == Opcode::kWords) {
        assembled.set_words(bit, first, count, operands + 1, draw);
      } else {
        assembled.execute(opcode, operands + 1, draw);
      }
    }
    return assembled.recipe(out_width, out_height);
  }
};

}  // namespace gpuaug
