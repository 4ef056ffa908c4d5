// The CUDA kernel: a block makes one tile of one draw at a time, and steps on by the size of the grid until none is
// left. No torch headers here.
#pragma once

#include <cstdint>

#include "batch.h"
#include "random.h"
#include "recipe.h"
#include "stages.h"

namespace gpuaug {

constexpr int kTileWidth = 32, kTileHeight = 8, kThreads = kTileWidth * kTileHeight;
constexpr int kHalo = 2;  // the blur's radius
constexpr int kPatchWidth = kTileWidth + 2 * kHalo, kPatchHeight = kTileHeight + 2 * kHalo;

struct Tiles {
  int64_t across, down, total;
};

GPUAUG_HOST_DEVICE Tiles tiles_of(const Batch& batch) {
  const int64_t across = (batch.width + kTileWidth - 1) / kTileWidth;
  const int64_t down = (batch.height + kTileHeight - 1) / kTileHeight;
  return {across, down, across * down * batch.draws};
}

// The source pixels of one output pixel: which four, and their weights; shared by the channels.
struct Footprint {
  int64_t upper_left, upper_right, lower_left, lower_right;  // elements from the image's first, -1: nowhere
  int across, down;
};

__device__ inline Footprint footprint(const Recipe& recipe, const Strides& strides, int64_t x, int64_t y) {
  if (!(recipe.stages & kGeometry)) {
    const int64_t at = clamp(y, 0, recipe.height - 1) * strides.row + clamp(x, 0, recipe.width - 1) * strides.column;
    return {at, at, at, at, 0, 0};
  }
  const Corners from = corners(recipe, readable_window(recipe), x, y);
  const auto at = [&](int64_t px, int64_t py) -> int64_t {
    return px < 0 || py < 0 ? -1 : py * strides.row + px * strides.column;
  };
  return {at(from.left, from.upper),
          at(from.right, from.upper),
          at(from.left, from.lower),
          at(from.right, from.lower),
          from.across,
          from.down};
}

__device__ inline int resample(const Footprint& from, const uint8_t* channel) {
  const auto pixel = [&](int64_t at) -> int { return at < 0 ? 0 : fine(channel[at]); };
  const int upper = blend(pixel(from.upper_left), pixel(from.upper_right), from.across);
  const int lower = blend(pixel(from.lower_left), pixel(from.lower_right), from.across);
  return level(blend(upper, lower, from.down));
}

// One row of the source at an output column: in 1/128.
__device__ inline int across_row(const Recipe& recipe, const Strides& strides, const Window& window,
                                 const uint8_t* channel, int64_t x, int64_t row) {
  const uint8_t* pixels = channel + row * strides.row;
  const int64_t coordinate = source_coordinate(recipe.xx, x, 0, 0, recipe.x1);
  if (!shrinks(recipe, recipe.xx)) {
    const Tap t = tap(coordinate);
    const int64_t left = resolve(t.index, window.left, window.right, recipe.border);
    const int64_t right = resolve(t.index + 1, window.left, window.right, recipe.border);
    return blend(left < 0 ? 0 : fine(pixels[left * strides.column]),
                 right < 0 ? 0 : fine(pixels[right * strides.column]), t.weight);
  }
  const Filter filter = filter_at(coordinate, recipe.xx, window.left, window.right);
  FilterWalk walk;
  int sum = 0;
  for (int64_t i = 0; i < filter.count; ++i) {
    sum += walk.next(filter, i) * pixels[(filter.first + i) * strides.column];
  }
  return filtered_across(sum);
}

// A pixel of a draw that shrinks: it finds its filters itself, once for every row.
__device__ inline int shrink_pixel(const Recipe& recipe, const Strides& strides, const uint8_t* channel, int64_t x,
                                   int64_t y) {
  const Window window = readable_window(recipe);
  const auto row = [&](int64_t at) -> int { return at < 0 ? 0 : across_row(recipe, strides, window, channel, x, at); };
  const int64_t coordinate = source_coordinate(0, 0, recipe.yy, y, recipe.y1);
  if (!shrinks(recipe, recipe.yy)) {
    const Tap t = tap(coordinate);
    const int upper = row(resolve(t.index, window.top, window.bottom, recipe.border));
    const int lower = row(resolve(t.index + 1, window.top, window.bottom, recipe.border));
    return level(blend(upper, lower, t.weight));
  }
  const Filter filter = filter_at(coordinate, recipe.yy, window.top, window.bottom);
  FilterWalk walk;
  int sum = 0;
  for (int64_t i = 0; i < filter.count; ++i) sum += walk.next(filter, i) * row(filter.first + i);
  return filtered_down(sum);
}

template <int64_t kStages>
__device__ inline int geometry_pixel(const Recipe& recipe, const Strides& strides, const uint8_t* channel, int64_t x,
                                     int64_t y) {
  if ((kStages & kShrink) && (shrinks(recipe, recipe.xx) || shrinks(recipe, recipe.yy))) {
    return shrink_pixel(recipe, strides, channel, x, y);
  }
  return resample(footprint(recipe, strides, x, y), channel);
}

// What a block shares while it blurs one channel of its tile.
struct Patch {
  uint8_t image[kPatchHeight][kPatchWidth];
  int16_t across[kPatchHeight][kTileWidth];
};

// The patch is the tile and its halo after geometry; beyond the output's edge it follows the blur's border.
template <int64_t kStages>
__device__ inline void fill_patch(Patch& patch, const Batch& batch, const Recipe& recipe, const Strides& strides,
                                  const uint8_t* channel, int64_t tile_x, int64_t tile_y) {
  const int64_t border = blur_border(recipe);
  for (int i = threadIdx.x; i < kPatchHeight * kPatchWidth; i += kThreads) {
    const int row = i / kPatchWidth, column = i % kPatchWidth;
    const int64_t y = resolve(tile_y + row - kHalo, 0, batch.height, border);
    const int64_t x = resolve(tile_x + column - kHalo, 0, batch.width, border);
    const bool nowhere = x < 0 || y < 0;
    patch.image[row][column] =
        nowhere ? 0 : static_cast<uint8_t>(geometry_pixel<kStages>(recipe, strides, channel, x, y));
  }
}

__device__ inline void blur_patch_across(Patch& patch, const Recipe& recipe) {
  for (int i = threadIdx.x; i < kPatchHeight * kTileWidth; i += kThreads) {
    const int row = i / kTileWidth, column = i % kTileWidth;
    const uint8_t* p = &patch.image[row][column];
    patch.across[row][column] = static_cast<int16_t>(
        recipe.blur == kArticle ? article_across(p[0], p[1], p[2], p[3], p[4])
                                : blur(recipe, fine(p[0]), fine(p[1]), fine(p[2]), fine(p[3]), fine(p[4])));
  }
}

__device__ inline int blur_patch_down(const Patch& patch, const Recipe& recipe, int row, int column) {
  int rows[5];
  for (int k = 0; k < 5; ++k) rows[k] = patch.across[row + k][column];
  if (recipe.blur != kArticle) return level(blur(recipe, rows[0], rows[1], rows[2], rows[3], rows[4]));
  const int y = row + kHalo, x = column + kHalo;
  return article_down(rows[0], rows[1], rows[2], rows[3], rows[4], patch.image[y - 1][x], patch.image[y][x + 1],
                      patch.image[y + 1][x], patch.image[y][x - 1], patch.image[y][x]);
}

// Value is the output's element: the byte itself, or what the table holds for it.
template <typename Value>
__device__ inline Value output_value(const Batch& batch, int64_t n, int c, int byte) {
  if (!batch.table) return static_cast<Value>(byte);
  return static_cast<const Value*>(batch.table)[n * batch.table_per_draw + c * 256 + byte];
}

// kStages: the union of the draws' stages. A draw that skips one skips it as a whole block, so no barrier is split.
template <int64_t kStages, typename Value>
__global__ void __launch_bounds__(kThreads, (kStages & kShrink) ? 1 : 2) augment_kernel(Batch batch) {
  __shared__ Patch patch;
  const Tiles tiles = tiles_of(batch);
  const int row = threadIdx.x / kTileWidth, column = threadIdx.x % kTileWidth;
  for (int64_t tile = blockIdx.x; tile < tiles.total; tile += gridDim.x) {
    const int64_t n = tile / (tiles.across * tiles.down);
    const int64_t tile_y = tile / tiles.across % tiles.down * kTileHeight, tile_x = tile % tiles.across * kTileWidth;
    const int64_t y = tile_y + row, x = tile_x + column;
    const Recipe& recipe = batch.recipes[n];
    const bool inside = y < batch.height && x < batch.width;
    const bool in_storage = readable(batch, recipe);
    const bool blurs = (kStages & kBlur) && in_storage && (recipe.stages & kBlur);

    int bits = 0xFFFF;  // neither salt nor pepper
    const bool noise = (kStages & kNoise) && (recipe.stages & kNoise);
    if (noise && inside) {
      const int64_t pixel = y * batch.width + x;
      const Block block = pixel_block(static_cast<uint64_t>(recipe.key), recipe.place, pixel / kPixelsPerBlock);
      bits = pixel_bits(block, static_cast<int>(pixel % kPixelsPerBlock));
    }

    const Strides from = in_storage ? source_strides(batch, recipe) : Strides{}, to = out_strides(batch);
    const uint8_t* source = batch.storage + (in_storage ? recipe.offset : 0);
    const bool small = (kStages & kShrink) && (shrinks(recipe, recipe.xx) || shrinks(recipe, recipe.yy));
    Footprint own{};
    if (inside && in_storage && !blurs && !small) own = footprint(recipe, from, x, y);
    Value* out = static_cast<Value*>(batch.out) + n * out_per_draw(batch) + y * to.row + x * to.column;
    for (int c = 0; c < batch.channels; ++c) {
      const uint8_t* channel = source + c * from.channel;
      int value = 0;
      if (blurs) {
        fill_patch<kStages>(patch, batch, recipe, from, channel, tile_x, tile_y);
        __syncthreads();
        blur_patch_across(patch, recipe);
        __syncthreads();
        value = blur_patch_down(patch, recipe, row, column);
        __syncthreads();  // the next channel, or tile, fills the patch again
      } else if (inside && in_storage) {
        value = small ? shrink_pixel(recipe, from, channel, x, y) : resample(own, channel);
      }
      if (noise) value = salt_and_pepper(recipe, bits, value);
      if (inside) out[c * to.channel] = output_value<Value>(batch, n, c, value & 0xFF);
    }
  }
}

}  // namespace gpuaug
