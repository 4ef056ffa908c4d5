// The op `clahe` on one channel of an image: tables of a row of tiles, then pixels of a row of cells, in place.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/clahe.h"
#include "cpu/rows_clahe.h"

namespace gpuaug {

// Steps through memory, in bytes.
struct Plane {
  uint8_t* levels;
  int64_t row, column;

  uint8_t* at(int64_t y, int64_t x) const { return levels + y * row + x * column; }
};

// The buffers of a thread, reused from plane to plane.
class ClaheRows {
 public:
  explicit ClaheRows(const TileGrid& grid)
      : grid_(grid),
        parts_(kByteParts * kLevels),
        cells_(static_cast<size_t>(grid.columns.cells() * kLevels)),
        corners_(static_cast<size_t>(grid.columns.side)),
        weights_(static_cast<size_t>(grid.columns.side)),
        levels_(static_cast<size_t>(grid.columns.side)) {
    for (int64_t cell = 0; cell < grid.columns.cells(); ++cell) {
      for (int64_t x = grid.columns.begin(cell); x < grid.columns.begin(cell + 1); ++x) {
        weights_[static_cast<size_t>(x)] = grid.columns.weight(cell, x);
      }
    }
  }

  // Makes the tables of a row of tiles, in (tiles, 256) of the whole plane.
  void make_tables(const Plane& plane, int64_t tile_row, float clip_limit, uint8_t* tables) {
    const TileAxis &rows = grid_.rows, &columns = grid_.columns;
    const uint32_t most = most_kept(grid_, clip_limit);
    for (int64_t tile = 0; tile < columns.tiles; ++tile) {
      std::fill(parts_.begin(), parts_.end(), 0);
      const int64_t left = tile * columns.tile, right = left + columns.tile;
      const int64_t inside = std::clamp(columns.side, left, right);
      for (int64_t y = tile_row * rows.tile; y < (tile_row + 1) * rows.tile; ++y) {
        const uint8_t* row = plane.at(rows.mirrored(y), 0);
        count_bytes(row + left * plane.column, plane.column, inside - left, parts_.data());
        for (int64_t x = inside; x < right; ++x) ++parts_[row[columns.mirrored(x) * plane.column]];
      }
      tile_table(grid_, most, parts_.data(), tables + (tile_row * columns.tiles + tile) * kLevels);
    }
  }

  // Blends a row of cells, once all tables of the plane are made.
  void blend(const Plane& plane, int64_t cell_row, const uint8_t* tables) {
    const TileAxis &rows = grid_.rows, &columns = grid_.columns;
    const int64_t end = rows.begin(cell_row + 1);
    const auto of = [&](int64_t row, int64_t column) { return tables + (row * columns.tiles + column) * kLevels; };
    const int64_t above = rows.before(cell_row), below = rows.after(cell_row);
    for (int64_t cell = 0; cell < columns.cells(); ++cell) {
      const int64_t before = columns.before(cell), after = columns.after(cell);
      corner_table(of(above, before), of(below, before), of(above, after), of(below, after),
                   cells_.data() + cell * kLevels);
    }
    for (int64_t y = rows.begin(cell_row); y < end; ++y) {
      uint8_t* row = plane.at(y, 0);
      for (int64_t cell = 0; cell < columns.cells(); ++cell) {
        const int64_t x = columns.begin(cell);
        look_up_corners(cells_.data() + cell * kLevels, row + x * plane.column, plane.column,
                        columns.begin(cell + 1) - x, corners_.data() + x);
      }
      const bool dense = plane.column == 1;
      blend_corners(grid_, corners_.data(), weights_.data(), rows.weight(cell_row, y), columns.side,
                    dense ? row : levels_.data());
      for (int64_t x = 0; !dense && x < columns.side; ++x) row[x * plane.column] = levels_[static_cast<size_t>(x)];
    }
  }

 private:
  const TileGrid& grid_;
  std::vector<uint32_t> parts_;    // histograms of a tile
  std::vector<uint32_t> cells_;    // corners of every level, of each cell of a row
  std::vector<uint32_t> corners_;  // of each pixel of a row
  std::vector<uint32_t> weights_;  // likewise
  std::vector<uint8_t> levels_;    // likewise
};

}  // namespace gpuaug
