// The plan of a tile for its block. Two threads compute it while the block still makes the tile before.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/borders.h"
#include "common/layout.h"
#include "common/stages/blur.h"
#include "common/stages/curves.h"
#include "common/stages/geometry.h"
#include "common/stages/pointwise.h"
#include "cuda/covers.cuh"
#include "cuda/tiling.h"

namespace gpuaug {

// The way in which a tile's levels are made.
enum Resampling : int {
  kNowhere,    // the recipe reads outside the storage: zeros
  kSeparable,  // along the axes, nothing shrinks: source rows are blended across, then down
  kAntialias,  // along the axes, at least one shrinks; both only without a zero border of a level above 0
  kGather,     // any other map
};

// The reads of a strip's columns in a source row: two aligned words for four columns, if rows are aligned; two words
// shifted by the begin of the row; or bytes, for any distance between them.
enum class Read : uint8_t { kWords, kShiftedWords, kBytes };

constexpr int64_t kLong = int64_t{1} << 24;  // the longest side, in pixels, whose coordinates and steps fit 32 bits
constexpr int kTapBytes = 5;  // neighbouring source pixels that the taps of four columns read, if nothing shrinks

// One axis of a tile.
struct Axis {
  int64_t scale, shift, low, high;  // the map, and the window of the source
  int64_t begin, size;              // the tile's first pixel, and the output's size
  int64_t first;                    // the first source pixel that the taps read; for columns a multiple of 4
  int extent;                       // the tile's pixels inside the output
  Divisor places, patch_places;     // division by the pixels of the tile and of the patch
};

struct TilePlan {
  Axis x, y;
  int64_t draw;  // past the last draw: no tile is left
  int64_t border, blur_border;
  Sampling sampling;
  const uint8_t* source;
  Resampling from;
  int tile;        // the number of the tile in its draw
  int halo;        // 2 if this draw blurs
  int stages;      // the pointwise stages of this draw
  bool covered;    // some of the stages cover pixels
  Colors colors;   // the levels of the covers
  bool new_table;  // the draw's table is not in shared memory yet
  Read read;       // the reads of source rows, if they are blended
};
static_assert(sizeof(TilePlan) <= kTilePlanBytes);

// The first source pixel of those that the taps between `low_tap` and `high_tap` resolve to; these are contiguous.
__device__ inline int64_t first_resolved(int64_t low_tap, int64_t high_tap, int64_t low, int64_t high, int64_t border) {
  if (low_tap >= low && high_tap < high) return low_tap;
  if (border != kReflect) return clamp(low_tap, low, high - 1);
  if (high - low == 1) return low;
  const int64_t period = 2 * (high - low - 1);
  int64_t past = (high_tap - low) % period;  // the distance of the last tap past a reflection at `low`
  if (past < 0) past += period;
  if (high_tap - past >= low_tap) return low;
  const int64_t a = resolve(low_tap, low, high, border), b = resolve(high_tap, low, high, border);
  return a < b ? a : b;
}

__device__ inline void find_first(Axis& axis, const Sampling& sampling, int halo, int64_t border, int alignment) {
  const int64_t from = clamp(axis.begin - halo, 0, axis.size - 1);
  const int64_t to = clamp(axis.begin + axis.extent - 1 + halo, 0, axis.size - 1);
  const int64_t a = tap(sampling, source_coordinate(axis.scale, from, 0, 0, axis.shift)).index;
  const int64_t b = tap(sampling, source_coordinate(axis.scale, to, 0, 0, axis.shift)).index;
  const int64_t low_tap = a < b ? a : b, high_tap = (a < b ? b : a) + 1;
  const int64_t first = first_resolved(low_tap, high_tap, axis.low, axis.high, border);
  axis.first = first - first % alignment;
}

// Whether a map along one axis has coordinates that cannot wrap, and a step of up to `most`.
__device__ inline bool tame(int64_t scale, int64_t shift, int64_t size, int64_t most) {
  constexpr int64_t kFar = int64_t{1} << 61;
  return scale <= most && scale >= -most && shift < kFar && shift > -kFar && size <= kLong;
}

__device__ inline Resampling resampling_of(const Recipe& recipe, const Batch& batch, bool may_shrink) {
  constexpr int64_t kOne = int64_t{1} << 32;
  const auto tame_up_to = [&](int64_t most) {
    return tame(recipe.xx, recipe.x1, batch.width, most) && tame(recipe.yy, recipe.y1, batch.height, most);
  };
  if ((recipe.stages & kGeometry) && recipe.border == kZero && recipe.outside != 0) return kGather;
  if (recipe.stages & kPerspective) return kGather;
  if (may_shrink && (shrinks(recipe, recipe.xx) || shrinks(recipe, recipe.yy))) {
    const bool small = recipe.width <= kLong && recipe.height <= kLong;
    return small && tame_up_to(kMostFactor * kOne) ? kAntialias : kGather;
  }
  // Steps over a source row fit 32 bits.
  if (recipe.width < kTapBytes || recipe.width > kLong) return kGather;
  if (!(recipe.stages & kGeometry))
    return tame(0, 0, batch.width, 0) && tame(0, 0, batch.height, 0) ? kSeparable : kGather;
  return recipe.xy == 0 && recipe.yx == 0 && tame_up_to(kOne) ? kSeparable : kGather;
}

__device__ inline Read read_of(const Recipe& recipe, const Batch& batch) {
  if (batch.interleaved) return Read::kBytes;
  const auto source = reinterpret_cast<uintptr_t>(batch.storage) + static_cast<uintptr_t>(recipe.offset);
  if (recipe.width % 4 == 0 && recipe.width >= 8 && source % 4 == 0) return Read::kWords;
  // The words at both ends reach beyond the pixels that are read, but must not reach beyond the storage.
  const int64_t bottom = recipe.stages & kGeometry ? readable_window(recipe).bottom : recipe.height;
  const int64_t end = recipe.offset + ((batch.channels - 1) * recipe.height + bottom) * recipe.width;
  const bool inside = static_cast<int64_t>(source % 4) <= recipe.offset && end + 3 <= batch.storage_bytes;
  return inside ? Read::kShiftedWords : Read::kBytes;
}

// Moves from one tile of a block to its next.
__device__ inline void step(const Tiling& tiling, int64_t& draw, int& tile) {
  tile += tiling.step_tiles;
  const bool carry = tile >= tiling.per_draw;
  draw += tiling.step_draws + carry;
  tile -= carry ? tiling.per_draw : 0;
}

// Called by the first two threads of a block, each for one axis; the first one also fills in the shared parts. A
// counting launch skips draws without measured curves.
template <int64_t kStages>
__device__ inline void make_tile_plan(TilePlan& plan, const Batch& batch, const Tiling& tiling, int64_t draw, int tile,
                                      bool new_table) {
  if constexpr (kStages & kStatistics) {
    while (draw < batch.draws && !is_measured(batch.recipes[draw])) step(tiling, draw, tile);
  }
  if (threadIdx.x == 0) {
    plan.draw = draw;
    plan.tile = tile;
    plan.new_table = new_table && batch.table;
  }
  if (draw >= batch.draws) return;
  const Recipe& recipe = batch.recipes[draw];
  const bool columns = threadIdx.x == 0, moved = recipe.stages & kGeometry, in_storage = readable(batch, recipe);
  const bool blurs = (kStages & kBlur) && in_storage && (recipe.stages & kBlur);
  const int halo = blurs ? kHalo : 0, most = columns ? tiling.strips * kStripWidth : tiling.rows;
  const int64_t border = moved ? recipe.border : int64_t{kEdge};
  const Resampling from = in_storage ? resampling_of(recipe, batch, kStages & kShrink) : kNowhere;
  Axis& axis = columns ? plan.x : plan.y;
  axis.scale = moved ? (columns ? recipe.xx : recipe.yy) : int64_t{1} << 32;
  axis.shift = moved ? (columns ? recipe.x1 : recipe.y1) : 0;
  axis.low = 0;
  axis.high = columns ? recipe.width : recipe.height;
  if (moved && in_storage) {
    const Window window = readable_window(recipe);
    axis.low = columns ? window.left : window.top;
    axis.high = columns ? window.right : window.bottom;
  }
  axis.begin = int64_t{columns ? tile % tiling.across : tile / tiling.across} * most;
  axis.size = columns ? batch.width : batch.height;
  const int64_t left = axis.size - axis.begin;
  axis.extent = left < most ? static_cast<int>(left) : most;
  axis.places = divisor(axis.extent);
  axis.patch_places = divisor(axis.extent + 2 * halo);
  const Sampling sampling = sampling_of(recipe);
  if (from == kSeparable) find_first(axis, sampling, halo, border, columns ? 4 : 1);
  if (!columns) return;
  plan.border = border;
  plan.sampling = sampling;
  plan.blur_border = blurs ? blur_border(recipe) : int64_t{kEdge};
  plan.source = batch.storage + (in_storage ? recipe.offset : 0);
  plan.from = from;
  plan.halo = halo;
  plan.stages = static_cast<int>(recipe.stages) & tiling.stages;
  // Measured curves have no table if the batch was not measured.
  if (is_measured(recipe) && !(plan.stages & kStatistics)) plan.stages &= ~static_cast<int>(kCurves);
  plan.covered = plan.stages & CoverStages::kBits;
  plan.colors = Colors(recipe);
  plan.read = from == kSeparable ? read_of(recipe, batch) : Read::kBytes;
}

template <int64_t kStages>
__device__ inline void make_next_tile_plan(TilePlan& plan, const TilePlan& now, const Batch& batch,
                                           const Tiling& tiling) {
  int64_t draw = now.draw;
  int tile = now.tile;
  step(tiling, draw, tile);
  make_tile_plan<kStages>(plan, batch, tiling, draw, tile, batch.table_per_draw != 0 && draw != now.draw);
}

// The output pixel whose level is at place i of a patch's row or column. Beyond the edge of the output it follows the
// blur's border. -1: none.
__device__ inline int64_t patch_pixel(const TilePlan& plan, const Axis& axis, int i) {
  const int64_t last = axis.size - 1 + plan.halo, at = axis.begin - plan.halo + i;
  return resolve(at < last ? at : last, 0, axis.size, plan.blur_border);
}

}  // namespace gpuaug
