// Geometry along the axes, where nothing shrinks. A thread goes down the rows of a strip of columns of one channel. Two
// source rows, blended across in 1/128, stay in registers as long as rows of the patch are between them. There are no
// barriers, and shared memory holds only the taps.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/borders.h"
#include "common/stages/geometry.h"
#include "cuda/output.cuh"
#include "cuda/packed.cuh"
#include "cuda/shared.cuh"
#include "cuda/tile_plan.cuh"

namespace gpuaug {

// The two taps of a place in a patch, counted from the axis' first source pixel; weights in 1/2048, 0 for a tap in a
// zero border.
struct AxisTaps {
  int first, second, first_weight, second_weight;
};

__device__ inline AxisTaps axis_taps(const TilePlan& plan, const Axis& axis, int i) {
  const int64_t pixel = patch_pixel(plan, axis, i);
  // A tap in a zero border still names a neighbour of the others, so that four columns need at most eight bytes.
  const int64_t at = pixel < 0 ? clamp(axis.begin - plan.halo + i, 0, axis.size - 1) : pixel;
  const Tap t = tap(plan.sampling, source_coordinate(axis.scale, at, 0, 0, axis.shift));
  const auto one = [&](int64_t index, int& place, int& weight, int own) {
    const int64_t found = resolve(index, axis.low, axis.high, plan.border);
    place = static_cast<int>((found < 0 ? clamp(index, axis.low, axis.high - 1) : found) - axis.first);
    weight = found < 0 || pixel < 0 ? 0 : own;
  };
  AxisTaps taps;
  one(t.index, taps.first, taps.first_weight, 2048 - t.weight);
  one(t.index + 1, taps.second, taps.second_weight, t.weight);
  return taps;
}

__device__ inline void find_columns(const Shared& shared, const TilePlan& plan) {
  const int columns = static_cast<int>((plan.halo ? shared.tiling.wide : shared.tiling.narrow).by) * kStripWidth;
  for (int i = static_cast<int>(threadIdx.x); i < columns; i += static_cast<int>(blockDim.x)) {
    // Strips may reach beyond the patch. Their levels there are never used. The taps there continue those of the patch,
    // so that they do not change where the others begin.
    const AxisTaps taps = axis_taps(plan, plan.x, i);
    shared.column_places()[i] = static_cast<uint32_t>(taps.first | taps.second << 16);
    shared.column_weights()[i] = static_cast<uint32_t>(taps.first_weight << 4 | taps.second_weight << 20);
  }
}

// An even and an odd source row. A row that needs only one of them gives the other no weight; the other is the
// neighbour, which adjacent rows need.
__device__ inline RowTap row_tap(const AxisTaps& taps, int last) {
  const bool even_first = taps.first % 2 == 0, even_second = taps.second % 2 == 0;
  const auto weight = [](int first, int second) { return static_cast<uint32_t>(first + second) << 6; };
  const int other = min(taps.first ^ 1, last);
  RowTap tap;
  tap.even = even_first ? taps.first : even_second ? taps.second : other;
  tap.odd = !even_first ? taps.first : !even_second ? taps.second : other;
  tap.even_weight = weight(even_first ? taps.first_weight : 0, even_second ? taps.second_weight : 0);
  tap.odd_weight = weight(even_first ? 0 : taps.first_weight, even_second ? 0 : taps.second_weight);
  return tap;
}

__device__ inline void find_rows(const Shared& shared, const TilePlan& plan) {
  const int rows = plan.y.extent + 2 * plan.halo, threads = static_cast<int>(blockDim.x);
  // The last threads find the rows, as the first ones find the columns.
  for (int row = threads - 1 - static_cast<int>(threadIdx.x); row < rows; row += threads) {
    const int64_t last = plan.y.high - 1 - plan.y.first;
    shared.row_taps()[row] =
        row_tap(axis_taps(plan, plan.y, row), static_cast<int>(last < INT32_MAX ? last : INT32_MAX));
  }
}

// Eight neighbouring columns: the values that do not depend on the row. Their weights are read anew for every source
// row, as registers are scarce.
struct ColumnStrip {
  int weights;        // the begin of the weights, in units of four
  uint32_t picks[4];  // for two columns each: the bytes that are their taps
  int begin[2];       // for four columns each: the first of these bytes, counted from the axis' first source pixel

  __device__ ColumnStrip(const Shared& shared, int strip, Read read, int width)  // width: counted from that first pixel
      : weights(2 * strip) {
    const auto* columns = reinterpret_cast<const uint4*>(shared.column_places()) + 2 * strip;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const uint4 four = columns[half];
      const auto least_of = [](uint32_t taps) { return min(low_half(taps), high_half(taps)); };
      const uint32_t least = min(min(least_of(four.x), least_of(four.y)), min(least_of(four.z), least_of(four.w)));
      // No byte beyond the row is read: at its end the reads begin earlier.
      const int first = static_cast<int>(least);
      begin[half] = read == Read::kWords ? min(first & ~3, width - 8) : min(first, width - kTapBytes);
      const auto nibbles = [&](uint32_t taps) {
        const uint32_t past = taps - static_cast<uint32_t>(begin[half]) * 0x10001u;
        return (past & 0xF) | (past >> 12 & 0xF0);
      };
      picks[half * 2] = nibbles(four.x) | nibbles(four.y) << 8;
      picks[half * 2 + 1] = nibbles(four.z) | nibbles(four.w) << 8;
    }
  }
};

// One source row at eight columns, in 1/128.
struct FineStrip {
  uint32_t of[8];
};

// `row` is at the axis' first source pixel; `step` is the distance from a pixel to the next.
template <Read kRead>
__device__ inline void blend_across(const Shared& shared, FineStrip& fine, const ColumnStrip& own, const uint8_t* row,
                                    int step) {
  const auto* column_weights = reinterpret_cast<const uint4*>(shared.column_weights()) + read_anew(own.weights);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    uint32_t low, high;
    if constexpr (kRead == Read::kWords) {
      const auto* words = reinterpret_cast<const uint32_t*>(row + own.begin[half]);
      low = __ldg(words);
      high = __ldg(words + 1);
    } else if constexpr (kRead == Read::kShiftedWords) {
      const auto from = reinterpret_cast<uintptr_t>(row) + static_cast<uintptr_t>(own.begin[half]);
      const auto* words = reinterpret_cast<const uint32_t*>(from & ~uintptr_t{3});
      const unsigned past = static_cast<unsigned>(from) * 8;  // only the low five bits count
      const uint32_t first = __ldg(words), second = __ldg(words + 1);
      low = __funnelshift_r(first, second, past);
      high = __funnelshift_r(second, 0, past);
    } else {
      const uint8_t* from = row + own.begin[half] * step;
      uint32_t bytes[kTapBytes];
#pragma unroll
      for (uint32_t& byte : bytes) {
        byte = __ldg(from);
        from += step;
      }
      low = __byte_perm(__byte_perm(bytes[0], bytes[1], 0x0040), __byte_perm(bytes[2], bytes[3], 0x0040), 0x5410);
      high = bytes[4];
    }
    const uint4 weights = column_weights[half];
    const uint32_t early = __byte_perm(low, high, own.picks[2 * half]);
    const uint32_t late = __byte_perm(low, high, own.picks[2 * half + 1]);
    uint32_t* four = fine.of + 4 * half;
    four[0] = __dp2a_lo(weights.x, early, kHalfAcross) >> 8;
    four[1] = __dp2a_hi(weights.y, early, kHalfAcross) >> 8;
    four[2] = __dp2a_lo(weights.z, late, kHalfAcross) >> 8;
    four[3] = __dp2a_hi(weights.w, late, kHalfAcross) >> 8;
  }
}

template <typename Value, Read kRead>
__device__ inline void blend_rows(const Shared& shared, const TilePlan& plan, const Batch& batch, bool to_patch) {
  const Tiling& tiling = shared.tiling;
  const Column column(tiling, plan.halo ? tiling.wide : tiling.narrow, tiling.thread_rows,
                      plan.y.extent + 2 * plan.halo);
  const int strip = column.strip, channel = column.channel;
  if (strip * kStripWidth >= plan.x.extent + 2 * plan.halo) return;
  const Recipe& recipe = batch.recipes[plan.draw];
  const Strides strides = source_strides(batch, recipe);
  const auto row_stride = static_cast<uint32_t>(strides.row);
  const uint8_t* first =
      plan.source + plan.y.first * strides.row + plan.x.first * strides.column + channel * strides.channel;
  const ColumnStrip own(shared, strip, kRead, static_cast<int>(recipe.width - plan.x.first));
  const StripTarget<Value> target(shared, plan, batch, to_patch, channel, strip, 0);
  FineStrip even{}, odd{};  // defined, as undefined ones would occupy registers through the whole kernel
  int has_even = -1, has_odd = -1;
#pragma unroll 1
  for (int row = column.begin; row < column.end; ++row) {
    const RowTap tap = shared.row_taps()[row];
    if (tap.even != has_even) {
      has_even = tap.even;
      blend_across<kRead>(shared, even, own, first + uint64_t{static_cast<uint32_t>(has_even)} * row_stride,
                          static_cast<int>(strides.column));
    }
    if (tap.odd != has_odd) {
      has_odd = tap.odd;
      blend_across<kRead>(shared, odd, own, first + uint64_t{static_cast<uint32_t>(has_odd)} * row_stride,
                          static_cast<int>(strides.column));
    }
    uint32_t tops[8];
#pragma unroll
    for (int j = 0; j < 8; ++j) tops[j] = blend_down(even.of[j], odd.of[j], tap.even_weight, tap.odd_weight);
    target.put_tops(row, tops);
  }
}

template <typename Value>
__device__ inline void blend_rows(const Shared& shared, const TilePlan& plan, const Batch& batch, bool to_patch) {
  if (plan.read == Read::kWords) {
    blend_rows<Value, Read::kWords>(shared, plan, batch, to_patch);
  } else if (plan.read == Read::kShiftedWords) {
    blend_rows<Value, Read::kShiftedWords>(shared, plan, batch, to_patch);
  } else {
    blend_rows<Value, Read::kBytes>(shared, plan, batch, to_patch);
  }
}

}  // namespace gpuaug
