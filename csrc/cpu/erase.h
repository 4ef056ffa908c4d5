// What a draw erases, a row at a time on the CPU.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/stages/erase.h"
#include "cpu/row_kernels.h"

namespace gpuaug {

inline void erase_row(const Recipe& recipe, int64_t y, Row levels, int channels, int64_t width) {
  const auto fill = static_cast<int16_t>(erase_level(recipe));
  const auto erase = [&](int64_t begin, int64_t end) {
    end = std::min(end, width);
    for (int c = 0; c < channels && begin < end; ++c) {
      std::fill(levels.channel(c) + begin, levels.channel(c) + end, fill);
    }
  };
  for (int i = 0; i < kBoxes; ++i) {
    const Quad box = erased_box(recipe, i);
    if (y >= box.b && y < box.d) erase(box.a, box.c);
  }
  if (!grid_crosses(recipe, y)) return;
  const Quad grid = quad_of(recipe.grid);
  const int64_t phase = quad_of(recipe.grid_at).a;
  for (int64_t x = -(phase % grid.a); x < width; x += grid.a) {
    erase(std::max<int64_t>(x, 0), x + std::min(grid.c, grid.a));
  }
}

}  // namespace gpuaug
