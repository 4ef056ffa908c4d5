// Geometry along the axes where nothing shrinks. The source bytes of a patch are staged in shared memory, every source
// row is blended across once, in 1/128, and the patch's rows are blended down from those.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/borders.h"
#include "common/stages/geometry.h"
#include "cuda/packed.cuh"
#include "cuda/shared.cuh"
#include "cuda/tile_plan.cuh"

namespace gpuaug {

// The two taps of a place in a patch, from the first staged pixel on; weights in 1/2048, 0 for a tap that is nowhere.
struct StagedTaps {
  int first, second, first_weight, second_weight;
};

__device__ inline StagedTaps staged_taps(const TilePlan& plan, const Axis& axis, int i) {
  const int64_t pixel = patch_pixel(plan, axis, i);
  // A tap that is nowhere still names a neighbour of the others: so four columns need no more than eight bytes.
  const int64_t at = pixel < 0 ? clamp(axis.begin - plan.halo + i, 0, axis.size - 1) : pixel;
  const Tap t = tap(source_coordinate(axis.scale, at, 0, 0, axis.shift));
  const auto one = [&](int64_t index, int& place, int& weight, int own) {
    const int64_t found = resolve(index, axis.low, axis.high, plan.border);
    place = static_cast<int>((found < 0 ? clamp(index, axis.low, axis.high - 1) : found) - axis.first);
    weight = found < 0 || pixel < 0 ? 0 : own;
  };
  StagedTaps taps;
  one(t.index, taps.first, taps.first_weight, 2048 - t.weight);
  one(t.index + 1, taps.second, taps.second_weight, t.weight);
  return taps;
}

__device__ inline void find_columns(const Shared& shared, const TilePlan& plan) {
  const int columns = static_cast<int>((plan.halo ? shared.tiling.wide : shared.tiling.narrow).by) * kStripWidth;
  for (int i = static_cast<int>(threadIdx.x); i < columns; i += static_cast<int>(blockDim.x)) {
    // Strips may reach beyond the patch; what stands there is never used, but its taps must be staged ones.
    const StagedTaps taps = staged_taps(plan, plan.x, min(i, plan.x.extent + 2 * plan.halo - 1));
    shared.columns()[i] = {static_cast<uint32_t>(taps.first | taps.second << 16),
                           static_cast<uint32_t>(taps.first_weight << 4 | taps.second_weight << 20)};
  }
}

// Eight neighbouring columns: what does not depend on the row.
struct ColumnStrip {
  uint32_t weights[8];
  uint32_t picks[4];  // of two columns each: which of eight bytes their taps are
  int words[2];       // of four columns each: where those bytes begin in a staged row

  __device__ ColumnStrip(const ColumnTap* columns) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      int first[4], second[4], least = INT32_MAX;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const ColumnTap tap = columns[half * 4 + j];
        weights[half * 4 + j] = tap.weights;
        first[j] = static_cast<int>(low_half(tap.places));
        second[j] = static_cast<int>(high_half(tap.places));
        least = min(least, min(first[j], second[j]));
      }
      const int word = least & ~3;
      words[half] = word;
#pragma unroll
      for (int j = 0; j < 4; j += 2) {
        // A nibble each; taken from all four at once.
        picks[half * 2 + j / 2] = static_cast<uint32_t>(first[j] + second[j] * 16 + first[j + 1] * 256 +
                                                        second[j + 1] * 4096 - word * 0x1111);
      }
    }
  }
};

__device__ inline void find_rows(const Shared& shared, const TilePlan& plan) {
  const int pitch = static_cast<int>((plan.halo ? shared.tiling.wide : shared.tiling.narrow).by) * kStripWidth;
  const int rows = plan.y.extent + 2 * plan.halo, threads = static_cast<int>(blockDim.x);
  // From the last thread on: the first ones find the columns.
  for (int row = threads - 1 - static_cast<int>(threadIdx.x); row < rows; row += threads) {
    const StagedTaps taps = staged_taps(plan, plan.y, row);
    shared.row_taps()[row] = {taps.first * pitch, taps.second * pitch, static_cast<uint32_t>(taps.first_weight) << 6,
                              static_cast<uint32_t>(taps.second_weight) << 6};
  }
}

__device__ inline void stage(const Shared& shared, const TilePlan& plan, const Batch& batch) {
  const Recipe& recipe = batch.recipes[plan.draw];
  const Strides strides = source_strides(batch, recipe);
  const Divisor words = plan.x.staged;
  const int count = plan.y.count * static_cast<int>(words.by), threads = static_cast<int>(blockDim.x);
  const uint8_t* first = plan.source + plan.y.first * strides.row + plan.x.first * strides.column;
  for (int i = static_cast<int>(threadIdx.x); i < count; i += threads) {
    const int row = words.quotient(i), column = 4 * (i - row * static_cast<int>(words.by));
    const uint8_t* from = first + row * strides.row + column * strides.column;
    uint32_t four[4];
    // All loads before the first store, so that they wait together.
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      if (c >= batch.channels) continue;
      const uint8_t* channel = from + c * strides.channel;
      if (plan.whole_words) {
        four[c] = __ldg(reinterpret_cast<const uint32_t*>(channel));
        continue;
      }
      four[c] = 0;
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        if (column + k < plan.x.count) four[c] |= uint32_t{__ldg(channel + k * strides.column)} << (8 * k);
      }
    }
    uint8_t* to = shared.bytes() + row * shared.tiling.staged_pitch + column;
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      if (c < batch.channels) *reinterpret_cast<uint32_t*>(to + c * shared.tiling.staged_plane) = four[c];
    }
  }
}

__device__ inline void blend_staged_across(const Shared& shared, const TilePlan& plan) {
  const Tiling& tiling = shared.tiling;
  const Divisor strips = plan.halo ? tiling.wide : tiling.narrow;
  const Lane lane(strips);
  const ColumnStrip own(shared.columns() + lane.strip * kStripWidth);
  each_row(lane, plan.y.staged, tiling.channels, [&](int channel, int row) {
    const uint8_t* staged = shared.bytes() + channel * tiling.staged_plane + row * tiling.staged_pitch;
    uint32_t fine[8];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const auto* words = reinterpret_cast<const uint32_t*>(staged + own.words[half]);
      const uint32_t low = words[0], high = words[1];
#pragma unroll
      for (int j = 4 * half; j < 4 * half + 4; j += 2) {
        const uint32_t taps = __byte_perm(low, high, own.picks[j / 2]);
        fine[j] = __dp2a_lo(own.weights[j], taps, kHalfAcross);
        fine[j + 1] = __dp2a_hi(own.weights[j + 1], taps, kHalfAcross);
      }
    }
    // Counted in whole strips, so that the compiler sees one aligned store.
    const int place = channel * (tiling.fine_plane / kStripWidth) + row * static_cast<int>(strips.by) + lane.strip;
    const uint4 eight{pair_of_middles(fine[0], fine[1]), pair_of_middles(fine[2], fine[3]),
                      pair_of_middles(fine[4], fine[5]), pair_of_middles(fine[6], fine[7])};
    reinterpret_cast<uint4*>(shared.fine())[place] = eight;
  });
}

__device__ inline uint32_t four_blended_down(const uint32_t* upper, const uint32_t* lower, const RowTap& tap) {
  const auto low = [&](int i) {
    return blend_down(low_half(upper[i]), low_half(lower[i]), tap.upper_weight, tap.lower_weight);
  };
  const auto high = [&](int i) {
    return blend_down(high_half(upper[i]), high_half(lower[i]), tap.upper_weight, tap.lower_weight);
  };
  return four_of_tops(low(0), high(0), low(1), high(1));
}

__device__ inline void blend_down_to(const Levels& levels, const Shared& shared, const TilePlan& plan) {
  const Tiling& tiling = shared.tiling;
  const Lane lane(plan.halo ? tiling.wide : tiling.narrow);
  each_row(lane, plan.y.patch_places, tiling.channels, [&](int channel, int row) {
    const RowTap tap = shared.row_taps()[row];
    const uint16_t* fine = shared.fine() + channel * tiling.fine_plane + lane.strip * kStripWidth;
    const uint4 upper = *reinterpret_cast<const uint4*>(fine + tap.upper);
    const uint4 lower = *reinterpret_cast<const uint4*>(fine + tap.lower);
    levels.put_strip(channel, row, lane.strip,
                     {four_blended_down(&upper.x, &lower.x, tap), four_blended_down(&upper.z, &lower.z, tap)});
  });
}

}  // namespace gpuaug
