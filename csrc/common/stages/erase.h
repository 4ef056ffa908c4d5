// Erasing: boxes of the output and a grid, filled with one level.
#pragma once

#include <cstdint>

#include "common/layout.h"
#include "common/portable.h"
#include "common/stages/needs.h"

namespace gpuaug {

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

// Whether the grid erases something in row y. A unit of 0 is no grid.
GPUAUG_HOST_DEVICE bool grid_crosses(const Recipe& recipe, int64_t y) {
  const Quad grid = quad_of(recipe.grid), at = quad_of(recipe.grid_at);
  return grid.a > 0 && grid.b > 0 && (y + at.b) % grid.b < grid.d;
}

GPUAUG_HOST_DEVICE int erase_level(const Recipe& recipe) { return static_cast<int>(recipe.fill & 0xFF); }

// The stage on one row.
struct EraseStage : StageNeeds {
  static constexpr int64_t kBit = kErase;

  const Recipe& recipe;

  GPUAUG_HOST_DEVICE explicit EraseStage(const Recipe& given) : recipe(given) {}

  // Calls box(begin, end) for each box that crosses row y, and grid(unit, part, phase) if the grid does: it erases the
  // columns x for which (x + phase) % unit < part.
  template <typename Box, typename Grid>
  GPUAUG_HOST_DEVICE void row(int64_t y, const Box& box, const Grid& grid) const {
    GPUAUG_ONE_BY_ONE
    for (int i = 0; i < kBoxes; ++i) {
      const Quad own = erased_box(recipe, i);
      if (y >= own.b && y < own.d) box(own.a, own.c);
    }
    if (grid_crosses(recipe, y)) {
      const Quad unit = quad_of(recipe.grid);
      grid(unit.a, unit.c, quad_of(recipe.grid_at).a);
    }
  }
};

}  // namespace gpuaug
