// The tiles into which the CUDA kernel cuts a batch, and the shared memory of a block that makes one. The host decides
// both from sizes alone. No torch headers here.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/batch.h"
#include "common/portable.h"
#include "common/stages/pointwise.h"
#include "cuda/measured.h"

namespace gpuaug {

constexpr int kStripWidth = 8;  // the neighbouring pixels that a thread makes at a time
constexpr int kMostThreads = 256;
constexpr int kMostTileRows = 64;
// The least number of rows that a thread blends, as each thread begins with two source rows of its own. In a small
// batch it may be one, as idle threads cost more there than blending.
constexpr int kRowsOfThread = 8;
constexpr int kHalo = 2;         // the blur's radius
constexpr int kMostFactor = 16;  // stronger shrinking takes a slower path
constexpr int kMostTaps = 2 * kMostFactor + 1;

// Division by a number that the whole block shares: of the places of a patch, at most (256 + 2 * kHalo) * (64 + 2 *
// kHalo), and of the threads of a block. In 32 bits, as the quotient is below 512.
struct Divisor {
  unsigned by, inverse;

  GPUAUG_HOST_DEVICE int quotient(int i) const { return static_cast<int>(static_cast<unsigned>(i) * inverse >> 23); }
};

GPUAUG_HOST_DEVICE Divisor divisor(int by) {
  return {static_cast<unsigned>(by), (1u << 23) / static_cast<unsigned>(by) + 1};
}

// The properties of a GPU that a launch depends on.
struct Gpu {
  int multiprocessors, shared;  // shared memory of a multiprocessor, in bytes
};

// The shared memory of a block: four blocks are to fit, and the GPU uses one KiB more for each. And one KiB less than
// the 48 KiB that a block gets without opting in.
inline int most_shared(const Gpu& gpu) { return std::min(47 << 10, gpu.shared / 4 - (1 << 10)); }

// A tile has `strips` by `rows`. Its patch is the part that the blur reads: the tile and its halo, in strips of its
// own.
struct Tiling {
  int channels, strips, rows, threads, halo;
  int across, per_draw;        // tiles
  int step_draws, step_tiles;  // the step from one tile of a block to its next
  Divisor narrow, wide;        // by the strips in a row of a tile and of a patch
  Divisor colors;              // channels
  Divisor outputs;             // by the vectors of output that a row of a tile touches
  bool vectors;                // rows of the output are whole vectors of one channel each
  bool triples;                // the same for three interleaved channels
  uint16_t stages;             // the pointwise stages that have memory; 4 bytes more would cost registers
  uint16_t blur_rows;          // rows of a tile that a thread blurs
  int thread_rows;             // rows of a patch that a thread blends
  int patch_plane;             // levels of a patch
  int fine_rows, fine_plane;   // rows in 1/128; a plane in 16-bit elements
  int plans, table, stage_tables, columns, row_taps, picks, finished, patch, fine, filters,
      shared;  // the begins of the parts, and the end
};

// The parts of shared memory that grow with a tile, in bytes.
constexpr int kTilePlanBytes = 320, kColumnBytes = 8, kRowTapBytes = 16, kFilterBytes = 2 * kMostTaps + 6;

inline void lay_out(Tiling& tiling, const Batch& batch, int64_t stages, int element_size) {
  const int strips = tiling.strips, rows = tiling.rows, channels = batch.channels, halo = tiling.halo;
  const int patch_strips = strips + (halo ? 1 : 0), patch_rows = rows + 2 * halo;
  const int columns = patch_strips * kStripWidth;
  int end = 0;
  const auto part = [&end](int bytes) {
    const int begin = end;
    end += (bytes + 15) / 16 * 16;
    return begin;
  };
  tiling.narrow = divisor(strips);
  tiling.wide = divisor(patch_strips);
  tiling.colors = divisor(channels);
  tiling.outputs = divisor((batch.channels_last ? strips * channels : strips) + 1);
  tiling.patch_plane = patch_rows * columns;
  tiling.fine_rows = stages & kShrink ? kMostTaps + 1 : 0;
  tiling.fine_plane = tiling.fine_rows * columns;
  tiling.plans = part(2 * kTilePlanBytes);
  // A counting launch has no output, and needs no table.
  const int table = batch.table ? channels * 256 * element_size : 0;
  tiling.table = part(batch.out ? table : static_cast<int>(sizeof(Counting)));
  const int tables = LevelStages::kTables * kTableBytes * (tiling.stages & kStatistics ? colored(channels) : 1);
  tiling.stage_tables = part(tiling.stages & LevelStages::kBitsWithTable ? tables : 0);
  tiling.columns = part(columns * kColumnBytes);
  tiling.row_taps = part(patch_rows * kRowTapBytes);
  tiling.picks = part(tiling.stages & CoverStages::kBits ? rows * strips * kStripWidth / 2 : 0);
  const int finished =
      channels * rows * strips * kStripWidth + 16;  // read in whole vectors, which may end beyond a row
  // A draw that blurs has a finished tile beside its patch only if its levels do not go directly to the output.
  const bool share = halo && tiling.vectors && !(stages & LevelStages::kBits);
  tiling.finished = part(share ? 0 : finished);
  tiling.patch = part(halo ? std::max(channels * tiling.patch_plane, share ? finished : 0) : 0);
  tiling.fine = part(channels * tiling.fine_plane * 2);
  tiling.filters = part(stages & kShrink ? (columns + patch_rows) * kFilterBytes : 0);
  tiling.shared = end;
}

// `stages` is the union over all draws. A batch of few tiles is cut into smaller ones until each multiprocessor has
// one.
inline Tiling tiling_of(const Batch& batch, int64_t stages, int element_size, const Gpu& gpu) {
  Tiling tiling{};
  const int64_t strips = (batch.width + kStripWidth - 1) / kStripWidth;
  tiling.channels = batch.channels;
  // A draw skips stages that the batch does not name, as in the reference; there is no memory for them either.
  const int64_t named = stages & PointwiseStages::kBits, counted = StagePlace<CurvesStage>::kBitsBefore;
  const int64_t measured = are_measured(stages) ? int64_t{kStatistics} : 0;
  tiling.stages = static_cast<uint16_t>(batch.out ? named | measured : named & counted);
  tiling.halo = stages & kBlur ? kHalo : 0;
  const bool side_by_side = batch.channels_last && batch.channels > 1;
  const bool aligned = batch.out && reinterpret_cast<uintptr_t>(batch.out) % 16 == 0;
  const bool whole = aligned && batch.width % kStripWidth == 0;
  tiling.vectors = whole && !side_by_side;
  tiling.triples = whole && side_by_side && batch.channels == 3;
  const int64_t most_strips = stages & kShrink ? 8 : 32;  // a filter keeps more of a tile in shared memory
  tiling.across = static_cast<int>((strips + most_strips - 1) / most_strips);
  tiling.strips = static_cast<int>((strips + tiling.across - 1) / tiling.across);  // as evenly as possible
  int64_t down = 0;
  const auto cut = [&](int most_rows) {
    down = (batch.height + most_rows - 1) / most_rows;
    tiling.rows = static_cast<int>((batch.height + down - 1) / down);
    lay_out(tiling, batch, stages, element_size);
  };
  cut(kMostTileRows);
  constexpr int kFewestRows = 4;
  while (tiling.rows > kFewestRows && tiling.shared > most_shared(gpu)) cut(tiling.rows - 1);
  while (tiling.rows > kFewestRows && batch.draws * tiling.across * down < gpu.multiprocessors) {
    cut((tiling.rows + 1) / 2);
  }
  // 32 bits hold the number of a tile and one step more: 2^30 tiles would have 64 GiB of output even at one byte a row.
  tiling.per_draw = static_cast<int>(tiling.across * down);
  // At least one thread for every vector that a row of the output touches, and for a strip of every channel.
  const int patch_rows = tiling.rows + 2 * tiling.halo, groups = static_cast<int>(tiling.wide.by) * batch.channels;
  int rows_of_thread = kRowsOfThread;
  const auto threads_of_batch = [&] { return batch.draws * tiling.per_draw * groups * (patch_rows / rows_of_thread); };
  while (rows_of_thread > 1 && threads_of_batch() < int64_t{gpu.multiprocessors} * kMostThreads) rows_of_thread /= 2;
  const int down_a_tile =
      std::max(1, std::min(kMostThreads / groups, (patch_rows + rows_of_thread - 1) / rows_of_thread));
  tiling.threads = (std::max(groups * down_a_tile, static_cast<int>(tiling.outputs.by)) + 31) / 32 * 32;
  tiling.thread_rows = (patch_rows + down_a_tile - 1) / down_a_tile;
  const int blurring = tiling.threads / (tiling.strips * batch.channels);
  tiling.blur_rows = static_cast<uint16_t>((tiling.rows + blurring - 1) / blurring);
  return tiling;
}

// The number of blocks that share the tiles.
inline void spread(Tiling& tiling, int64_t blocks) {
  tiling.step_draws = static_cast<int>(blocks / tiling.per_draw);
  tiling.step_tiles = static_cast<int>(blocks % tiling.per_draw);
}

}  // namespace gpuaug
