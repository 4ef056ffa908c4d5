// The matrix of a draw's colors while a program is executed.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "common/layout.h"
#include "host/casts.h"

namespace gpuaug {

// Sums are made in the same order as in gpuaug/recipe/assemble.py.
class ColorMatrix {
 public:
  // The weights of red, green and blue in a color, and a number to add, in units of white.
  using Row = std::array<double, 4>;
  using Matrix = std::array<Row, 3>;

  void mix(const Matrix& given) {
    const Matrix own = rows_;
    for (int row : {0, 1, 2}) {
      const auto& [red, green, blue, added] = given[row];
      for (int k = 0; k < 4; ++k) rows_[row][k] = red * own[0][k] + green * own[1][k] + blue * own[2][k];
      rows_[row][3] = rows_[row][3] + added;
    }
  }

  // The hue is rotated in YIQ, by an angle given as cosine and sine.
  void adjust(double brightness, double contrast, double saturation, bool first, double cosine, double sine) {
    if (first) brighten(brightness);
    for (auto& row : rows_) {
      for (double& entry : row) entry = contrast * entry;
      row[3] = row[3] + 0.5 * (1 - contrast);
    }
    if (!first) brighten(brightness);
    const Matrix own = rows_;
    const Row grey = sum(own, kLuma);
    for (int row : {0, 1, 2}) {
      const Row turned = sum(own, kQuarter[row]);
      for (int k = 0; k < 4; ++k) {
        rows_[row][k] = grey[k] + saturation * (cosine * (own[row][k] - grey[k]) + sine * turned[k]);
      }
    }
  }

  void write(Recipe& out) const {
    int64_t* const words[3][4] = {{&out.rr, &out.rg, &out.rb, &out.r1},
                                  {&out.gr, &out.gg, &out.gb, &out.g1},
                                  {&out.br, &out.bg, &out.bb, &out.b1}};
    for (int row : {0, 1, 2}) {
      for (int k = 0; k < 4; ++k) {
        const double unit = k < 3 ? kColorUnit : 255 * kColorUnit;
        *words[row][k] = to_int64(std::nearbyint(rows_[row][k] * unit));
      }
    }
  }

 private:
  // For each of the four entries.
  static Row sum(const Matrix& rows, const double (&by)[3]) {
    Row out;
    for (int k = 0; k < 4; ++k) out[k] = by[0] * rows[0][k] + by[1] * rows[1][k] + by[2] * rows[2][k];
    return out;
  }

  void brighten(double factor) {
    for (auto& row : rows_) {
      for (double& entry : row) entry = factor * entry;
    }
  }

  Matrix rows_{{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}};
};

}  // namespace gpuaug
