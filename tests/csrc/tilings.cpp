// How the CUDA kernel cuts batches of many shapes into tiles, for GPUs of several sizes: what a launch relies on.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>

#include "cuda/tiling.h"

using namespace gpuaug;

namespace {

constexpr int64_t kStages[] = {0,
                               kBlur,
                               kShrink,
                               kBlur | kShrink,
                               kImpulse | kCurves,
                               kBlur | kImpulse | kCurves,
                               kShrink | kErase | kCurves,
                               kBlur | kShrink | kImpulse | kCurves,
                               kShrink | kErase | kCurves | kStatistics};
constexpr int kMultiprocessors[] = {1, 40, 132};
constexpr int kSharedKib[] = {64, 100, 164, 228};  // of a multiprocessor: Turing; 8.6, 8.9 and 12; 8.0; 9 and 10
constexpr int64_t kSizes[] = {1,  2,  3,   4,   5,   7,   8,   9,   31,  32,   33,  64,
                              65, 96, 128, 129, 224, 225, 299, 384, 512, 1000, 4096};
constexpr int64_t kDraws[] = {1, 64};
constexpr int kElements[] = {1, 2, 4};
constexpr int kChannels[] = {1, 2, 3, 4};
constexpr bool kLast[] = {false, true};
constexpr bool kCounts[] = {false, true};  // before it writes, where curves go by the image

// What a block may have without asking for more; and what every block costs the GPU besides.
constexpr int kMostOfBlock = 48 << 10, kReserved = 1 << 10;

// A batch that leaves a multiprocessor fewer threads than a block may have: then no thread has two rows, unless a block
// has all the threads that it may have.
bool wastes_threads(const Tiling& tiling, const Batch& batch, const Gpu& gpu) {
  const int column = static_cast<int>(tiling.wide.by) * batch.channels;
  return tiling.thread_rows > 1 && tiling.threads + column <= kMostThreads &&
         batch.draws * tiling.per_draw * tiling.threads < int64_t{gpu.multiprocessors} * kMostThreads;
}

const char* fault_of(const Tiling& tiling, const Batch& batch, const Gpu& gpu) {
  if (tiling.shared + kReserved > kMostOfBlock) return "leaves no kilobyte of what a block may have";
  const bool smallest = tiling.rows <= 4;  // cannot be cut any further
  if (!smallest && 4 * (tiling.shared + kReserved) > gpu.shared) return "does not fit four times";
  if (tiling.threads < 32 || tiling.threads > kMostThreads || tiling.threads % 32) return "has no whole warps";
  if (static_cast<int>(tiling.outputs.by) > tiling.threads) return "has fewer threads than a row of output has vectors";
  const int groups = tiling.threads / (static_cast<int>(tiling.wide.by) * batch.channels);
  if (groups * tiling.thread_rows < tiling.rows + 2 * tiling.halo) return "has rows that no thread blends";
  if (wastes_threads(tiling, batch, gpu)) return "leaves threads idle that could share its rows";
  const bool all_tiles = batch.draws * tiling.per_draw >= gpu.multiprocessors;
  if (!smallest && !all_tiles) return "leaves multiprocessors without one";
  const int64_t down = (batch.height + tiling.rows - 1) / tiling.rows;
  if (int64_t{tiling.across} * tiling.strips * kStripWidth < batch.width) return "does not cover a row";
  if (tiling.per_draw != tiling.across * down) return "does not cover a column";
  return nullptr;
}

// 64 images of 32 px on 132 multiprocessors.
bool small_batches_fill() {
  alignas(16) static unsigned char out[16];
  Batch batch{};
  batch.out = out;
  batch.channels = 3;
  batch.draws = 64;
  batch.height = batch.width = 32;
  const Tiling tiling = tiling_of(batch, 0, 2, {132, 228 << 10});
  const int64_t blocks = batch.draws * tiling.per_draw;
  return blocks >= 132 && blocks * tiling.threads >= int64_t{132} * 4 * 32 && tiling.thread_rows == 1;
}

// The divisions that blocks make: of all threads, and of all places of a patch.
bool divides() {
  for (int by = 1; by <= 256 + 2 * kHalo; ++by) {
    const int most = std::max(kMostThreads, by * (kMostTileRows + 2 * kHalo) - 1);
    for (int i = 0; i <= most; ++i) {
      if (divisor(by).quotient(i) != i / by) return false;
    }
  }
  return true;
}

}  // namespace

int main() {
  if (!divides()) {
    std::puts("a quotient is wrong");
    return 1;
  }
  if (!small_batches_fill()) {
    std::puts("64 images of 32 px leave schedulers without a warp");
    return 1;
  }
  alignas(16) static unsigned char memory[16];
  int most = 0;
  for (int64_t number = 0;; ++number) {
    int64_t rest = number;  // a digit of it for every list
    const auto one_of = [&rest](const auto& list) {
      const auto length = static_cast<int64_t>(std::size(list));
      const auto chosen = list[rest % length];
      rest /= length;
      return chosen;
    };
    const int element = one_of(kElements);
    const int64_t stages = one_of(kStages);
    Batch batch{};
    batch.out = memory;
    batch.table = element > 1 ? memory : nullptr;
    batch.channels = one_of(kChannels);
    batch.channels_last = one_of(kLast);
    batch.draws = one_of(kDraws);
    batch.height = one_of(kSizes);
    batch.width = one_of(kSizes);
    const bool counts = one_of(kCounts);
    const Gpu gpu{one_of(kMultiprocessors), one_of(kSharedKib) << 10};
    if (rest > 0) {
      std::printf("%lld tilings hold, of %d bytes at most\n", static_cast<long long>(number), most);
      return 0;
    }
    if (counts && are_measured(stages)) batch = counted(batch);
    const Tiling tiling = tiling_of(batch, stages, element, gpu);
    most = std::max(most, tiling.shared);
    if (const char* fault = fault_of(tiling, batch, gpu)) {
      std::printf(
          "a tile of %d rows of %d strips %s: %d bytes of %d; %d channels, %lld x %lld, stages %lld, %d bytes an "
          "element\n",
          tiling.rows, tiling.strips, fault, tiling.shared, gpu.shared, batch.channels,
          static_cast<long long>(batch.height), static_cast<long long>(batch.width), static_cast<long long>(stages),
          element);
      return 1;
    }
  }
}
