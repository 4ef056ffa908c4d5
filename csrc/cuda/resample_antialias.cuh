// Geometry along the axes, where at least one axis shrinks, by up to kMostFactor. The filter of every column and every
// row is computed once for a tile. The rows of a patch are made in bands, as many rows as the buffer of rows in 1/128
// has room for.
#pragma once

#include <cstdint>

#include "common/batch.h"
#include "common/borders.h"
#include "common/stages/geometry.h"
#include "cuda/shared.cuh"

namespace gpuaug {

// An axis that does not shrink, beside one that does: its blend is a filter of two taps, or of one tap if both are the
// same pixel or one is in a zero border. In 1/2^14, the sum across rounds like a blend; down, kHalfBlend achieves that.
constexpr int kHalfBlend = 1 << 13;

__device__ inline void find_filter(AxisFilter& out, const TilePlan& plan, const Axis& axis, bool shrinking, int i) {
  out.count = 0;
  out.first = 0;
  const int64_t pixel = patch_pixel(plan, axis, i);
  if (pixel < 0) return;
  const int64_t coordinate = source_coordinate(axis.scale, pixel, 0, 0, axis.shift);
  if (shrinking) {
    if (shows_beyond(coordinate, axis.low, axis.high, plan.border)) return;
    const Filter filter = filter_at(coordinate, axis.scale, axis.low, axis.high);
    out.first = static_cast<int>(filter.first - axis.low);
    out.count = static_cast<uint16_t>(filter.count);
    FilterWalk walk;
    for (int k = 0; k < out.count; ++k) out.weights[k] = static_cast<uint16_t>(walk.next(filter, k));
    return;
  }
  const Tap t = tap(plan.sampling, coordinate);
  const int64_t first = resolve(t.index, axis.low, axis.high, plan.border);
  const int64_t second = resolve(t.index + 1, axis.low, axis.high, plan.border);
  const int64_t least = first < 0 || (second >= 0 && second < first) ? second : first;
  if (least < 0) return;
  const int64_t most = first < second ? second : first;
  out.first = static_cast<int>(least - axis.low);
  out.count = static_cast<uint16_t>(most - least + 1);
  out.weights[0] = out.weights[1] = 0;
  if (first >= 0) out.weights[first - least] = static_cast<uint16_t>((2048 - t.weight) * 8);
  if (second >= 0) out.weights[second - least] = static_cast<uint16_t>(out.weights[second - least] + t.weight * 8);
}

// A patch's columns, then its rows.
__device__ inline void find_filters(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  const Recipe& recipe = batch.recipes[plan.draw];
  const int columns = plan.x.extent + 2 * plan.halo, rows = plan.y.extent + 2 * plan.halo;
  const int threads = static_cast<int>(blockDim.x);
  for (int i = static_cast<int>(threadIdx.x); i < columns + rows; i += threads) {
    const bool column = i < columns;
    find_filter(shared.filters()[i], plan, column ? plan.x : plan.y, shrinks(recipe, column ? recipe.xx : recipe.yy),
                column ? i : i - columns);
  }
}

// A band: rows of a patch, and the source rows that they need, counted from the top of the window.
struct Band {
  int begin, end, first, past;
};

__device__ inline Band band_from(const Shared& shared, const TilePlan& plan, int begin) {
  const AxisFilter* filters = shared.filters() + plan.x.extent + 2 * plan.halo;
  const int rows = plan.y.extent + 2 * plan.halo;
  Band band{begin, begin, INT32_MAX, 0};
  for (; band.end < rows; ++band.end) {
    const AxisFilter& filter = filters[band.end];
    if (filter.count == 0) continue;
    const int first = min(band.first, filter.first), past = max(band.past, filter.first + filter.count);
    if (past - first > shared.tiling.fine_rows) break;
    band.first = first;
    band.past = past;
  }
  if (band.past == 0) band.first = 0;  // no row needs a source row
  return band;
}

__device__ inline void filter_across(const Shared& shared, const TilePlan& plan, const Batch& batch, const Band& band) {
  const Strides strides = source_strides(batch, batch.recipes[plan.draw]);
  const int columns = plan.x.extent + 2 * plan.halo, count = (band.past - band.first) * columns;
  const Divisor across = plan.x.patch_places;
  const uint8_t* first = plan.source + (plan.y.low + band.first) * strides.row + plan.x.low * strides.column;
  const int threads = static_cast<int>(blockDim.x);
  for (int i = static_cast<int>(threadIdx.x); i < count; i += threads) {
    const int row = across.quotient(i), column = i - row * columns;
    const AxisFilter& filter = shared.filters()[column];
    const uint8_t* from = first + row * strides.row + filter.first * strides.column;
    int sums[4] = {};
    for (int k = 0; k < filter.count; ++k, from += strides.column) {
      const int weight = filter.weights[k];
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        if (c < batch.channels) sums[c] += weight * __ldg(from + c * strides.channel);
      }
    }
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      if (c < batch.channels) {
        shared.fine()[c * shared.tiling.fine_plane + i] = static_cast<uint16_t>(filtered_across(sums[c]));
      }
    }
  }
}

__device__ inline void filter_down_to(const Levels& levels, const Shared& shared, const TilePlan& plan,
                                      const Batch& batch, const Band& band) {
  const Recipe& recipe = batch.recipes[plan.draw];
  const int half = shrinks(recipe, recipe.yy) ? 0 : kHalfBlend;
  const int columns = plan.x.extent + 2 * plan.halo, count = (band.end - band.begin) * columns;
  const Divisor across = plan.x.patch_places;
  const int threads = static_cast<int>(blockDim.x);
  for (int i = static_cast<int>(threadIdx.x); i < count; i += threads) {
    const int row = across.quotient(i), column = i - row * columns;
    const AxisFilter& filter = shared.filters()[columns + band.begin + row];
    const uint16_t* fine = shared.fine() + (filter.first - band.first) * columns + column;
    for (int c = 0; c < batch.channels; ++c, fine += shared.tiling.fine_plane) {
      int sum = half;
      for (int k = 0; k < filter.count; ++k) sum += filter.weights[k] * fine[k * columns];
      levels.put(c, band.begin + row, column, filtered_down(sum));
    }
  }
}

}  // namespace gpuaug
