// Contrast-limited adaptive histogram equalization, in integers. An image is cut into a grid of tiles. The histogram of
// each tile, with its peaks clipped, becomes a table of levels. Each pixel is blended from the tables of the four tiles
// whose centres surround it. No torch headers here.
#pragma once

#include <cstdint>

#include "common/portable.h"
#include "common/stages/statistics.h"

namespace gpuaug {

constexpr int64_t kFinestSteps = 2048;            // the most steps of a weight along an axis
constexpr int64_t kMostExact = int64_t{1} << 22;  // the most pixels of a tile whose sums are exact

// ---- Quotients

// Quotients of numbers below 2^30 by one number in [4, 2^22], with halves rounded to even: a multiplication and a shift
// (Granlund and Montgomery, 1994).
struct Divider {
  uint32_t by, half, factor;
  int shift;

  explicit Divider(int64_t divisor) : by(static_cast<uint32_t>(divisor)), half(by / 2), factor(0), shift(-2) {
    int64_t power = 1;
    for (; power < divisor; power *= 2) ++shift;
    factor = static_cast<uint32_t>((power << 30) / divisor + 1);
  }

  GPUAUG_HOST_DEVICE uint32_t rounded(uint32_t number) const {
    const uint32_t above = number + half;
    const uint32_t quotient = static_cast<uint32_t>(uint64_t{above} * factor >> 32) >> shift;
    // An odd divisor has no halves.
    const uint32_t halfway = (quotient * by == above) & (by + 1);
    return quotient - (halfway & quotient & 1);
  }
};

// ---- The grid of tiles

// A side of the image, cut into tiles of one length. The image is mirrored to fill the last tiles. A cell reaches from
// one tile's centre to the next; the first and the last cell have only one tile.
struct TileAxis {
  int64_t side, tiles, tile, steps;

  TileAxis(int64_t side, int64_t tiles, int64_t tile)
      : side(side), tiles(tiles), tile(tile), steps(2 * tile < kFinestSteps ? 2 * tile : kFinestSteps) {}

  // The pixel at a place of the tiles.
  GPUAUG_HOST_DEVICE int64_t mirrored(int64_t place) const { return place < side ? place : 2 * (side - 1) - place; }

  GPUAUG_HOST_DEVICE int64_t cells() const { return tiles + 1; }

  // The first pixel of a cell; for the cell after the last one, the end.
  GPUAUG_HOST_DEVICE int64_t begin(int64_t cell) const {
    const int64_t first = tile * cell - tile / 2;
    return first < 0 ? 0 : (first < side ? first : side);
  }

  GPUAUG_HOST_DEVICE int64_t before(int64_t cell) const { return cell > 0 ? cell - 1 : 0; }
  GPUAUG_HOST_DEVICE int64_t after(int64_t cell) const { return cell < tiles ? cell : tiles - 1; }

  // The weight of the tile after a pixel of that cell, in `steps`.
  GPUAUG_HOST_DEVICE uint32_t weight(int64_t cell, int64_t pixel) const {
    const int64_t halves = 2 * pixel + tile - 2 * tile * cell;
    return static_cast<uint32_t>(steps == 2 * tile ? halves : halves * steps / (2 * tile));
  }
};

// The grid that all images of a call share.
struct TileGrid {
  TileAxis rows, columns;
  int64_t area;  // pixels of a tile
  int fold;      // low bits that its sums drop
  Divider of_area, of_blend;

  // As in OpenCV, if one axis is not divisible, tiles get one more pixel on both axes.
  static TileGrid of(int64_t height, int64_t width, int64_t down, int64_t across) {
    const int64_t more = height % down > 0 || width % across > 0 ? 1 : 0;
    return {TileAxis(height, down, height / down + more), TileAxis(width, across, width / across + more)};
  }

  TileGrid(const TileAxis& rows, const TileAxis& columns)
      : rows(rows),
        columns(columns),
        area(rows.tile * columns.tile),
        fold(folds(area)),
        of_area(area >> fold),
        of_blend(rows.steps * columns.steps) {}

  GPUAUG_HOST_DEVICE int64_t tiles() const { return rows.tiles * columns.tiles; }

 private:
  static int folds(int64_t area) {
    int fold = 0;
    while (area > kMostExact << fold) ++fold;
    return fold;
  }
};

// ---- A tile's table

// The most that an entry of a histogram keeps. The limit is a multiple of the mean entry; NaN counts as none.
GPUAUG_HOST_DEVICE uint32_t most_kept(const TileGrid& grid, float clip_limit) {
  const double most = static_cast<double>(clip_limit) * static_cast<double>(grid.area) / kLevels;
  if (!(most >= 1)) return 1;
  return static_cast<uint32_t>(most < static_cast<double>(kMostCounted) ? most : static_cast<double>(kMostCounted));
}

GPUAUG_HOST_DEVICE uint32_t excess_of(uint32_t count, uint32_t most) { return count > most ? count - most : 0; }

// The clipped excess is distributed: all entries get an equal share, and entries at even distances get one more each
// until none is left.
struct Shares {
  uint32_t each, rest, distance;

  GPUAUG_HOST_DEVICE explicit Shares(uint32_t excess)
      : each(excess / kLevels), rest(excess % kLevels), distance(rest > 0 ? kLevels / rest : kLevels) {}
};

// The new level, from the number of pixels up to the level.
GPUAUG_HOST_DEVICE uint8_t level_of(const TileGrid& grid, uint32_t sum) {
  const uint32_t level = grid.of_area.rounded((kLevels - 1) * (sum >> grid.fold));
  return static_cast<uint8_t>(level < kLevels ? level : kLevels - 1);
}

// ---- A pixel

// The new levels of a level in the four tiles around a cell, in a word: above, then below; before in the lower half of
// the word, after in the upper one. A mask leaves the two levels that are blended along a row.
GPUAUG_HOST_DEVICE uint32_t corners_of(uint32_t above_before, uint32_t below_before, uint32_t above_after,
                                       uint32_t below_after) {
  return above_before | below_before << 8 | above_after << 16 | below_after << 24;
}

// Weights of the tiles after the pixel and below it, in the steps of their axes.
GPUAUG_HOST_DEVICE uint8_t blended_level(uint32_t corners, uint32_t after, uint32_t below, uint32_t steps_across,
                                         uint32_t steps_down, const Divider& by) {
  const uint32_t before = steps_across - after;
  const uint32_t upper = (corners & 0xFF) * before + (corners >> 16 & 0xFF) * after;
  const uint32_t lower = (corners >> 8 & 0xFF) * before + (corners >> 24) * after;
  return static_cast<uint8_t>(by.rounded(upper * (steps_down - below) + lower * below));
}

// ---- The arguments of a kernel

// Strides are in elements. The stride of a side of one pixel may be anything.
struct ClaheCall {
  uint8_t* images;
  int64_t count, colored;  // images, and channels that are not alpha
  int64_t strides[4];      // of (N, C, H, W)
  const int64_t* rows;     // the images to change; null for all
  int64_t row_step, draws;
  const float* clip_limit;
  int64_t clip_step;
  TileGrid grid;

  GPUAUG_HOST_DEVICE int64_t planes() const { return draws * colored; }

  // The image of a draw. A row that the host did not check may be out of range; it is no image then.
  GPUAUG_HOST_DEVICE int64_t image_of(int64_t draw) const { return rows ? rows[draw * row_step] : draw; }
  GPUAUG_HOST_DEVICE bool has(int64_t image) const { return image >= 0 && image < count; }
};

}  // namespace gpuaug
