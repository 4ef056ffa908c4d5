// Erasing: boxes of the output and a grid, filled with one level.
#pragma once

#include <cstdint>

#include "common/layout.h"
#include "common/portable.h"

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

// Whether the grid erases something in row y; a unit of nothing is no grid.
GPUAUG_HOST_DEVICE bool grid_crosses(const Recipe& recipe, int64_t y) {
  const Quad grid = quad_of(recipe.grid), at = quad_of(recipe.grid_at);
  return grid.a > 0 && grid.b > 0 && (y + at.b) % grid.b < grid.d;
}

GPUAUG_HOST_DEVICE int erase_level(const Recipe& recipe) { return static_cast<int>(recipe.fill & 0xFF); }

}  // namespace gpuaug
