// How the CUDA kernel cuts batches of many shapes into tiles, for GPUs of several sizes: what a launch relies on.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <initializer_list>

#include "tile.h"

using namespace gpuaug;

namespace {

constexpr int kMultiprocessors[] = {1, 40, 132};
constexpr int kSharedKib[] = {64, 100, 164, 228};  // of a multiprocessor: Turing; 8.6, 8.9 and 12; 8.0; 9 and 10
constexpr int64_t kSizes[] = {1,  2,  3,   4,   5,   7,   8,   9,   31,  32,   33,  64,
                              65, 96, 128, 129, 224, 225, 299, 384, 512, 1000, 4096};

// What a block may have without asking for more; and what every block costs the GPU besides.
constexpr int kMostOfBlock = 48 << 10, kReserved = 1 << 10;

const char* fault_of(const Tiling& tiling, const Batch& batch, const Gpu& gpu) {
  if (tiling.shared + kReserved > kMostOfBlock) return "leaves no kilobyte of what a block may have";
  const bool smallest = tiling.rows <= 4;  // cannot be cut any further
  if (!smallest && 4 * (tiling.shared + kReserved) > gpu.shared) return "does not fit four times";
  if (tiling.threads < 32 || tiling.threads > kMostThreads || tiling.threads % 32) return "has no whole warps";
  if (static_cast<int>(tiling.outputs.by) > tiling.threads) return "has fewer threads than a row of output has vectors";
  const int64_t down = (batch.height + tiling.rows - 1) / tiling.rows;
  if (int64_t{tiling.across} * tiling.strips * kStripWidth < batch.width) return "does not cover a row";
  if (tiling.per_draw != tiling.across * down) return "does not cover a column";
  return nullptr;
}

}  // namespace

int main() {
  int count = 0, most = 0;
  alignas(16) static unsigned char memory[16];
  Batch batch{};
  batch.out = memory;
  for (const int64_t stages : {int64_t{0}, int64_t{kBlur}, int64_t{kShrink}, kBlur | kShrink, kNoise | kTone,
                               kBlur | kNoise | kTone, kShrink | kErase | kTone, kBlur | kShrink | kNoise | kTone}) {
    for (const int element : {1, 2, 4}) {
      batch.table = element > 1 ? memory : nullptr;
      for (batch.channels = 1; batch.channels <= 4; ++batch.channels) {
        for (const bool last : {false, true}) {
          batch.channels_last = last;
          for (const int64_t draws : {1, 64}) {
            batch.draws = draws;
            for (const int64_t height : kSizes) {
              for (const int64_t width : kSizes) {
                batch.height = height, batch.width = width;
                for (const int multiprocessors : kMultiprocessors) {
                  for (const int kib : kSharedKib) {
                    const Gpu gpu{multiprocessors, kib << 10};
                    const Tiling tiling = tiling_of(batch, stages, element, gpu);
                    ++count;
                    most = std::max(most, tiling.shared);
                    const char* fault = fault_of(tiling, batch, gpu);
                    if (!fault) continue;
                    std::printf(
                        "a tile of %d x %d strips %s: %d bytes, %d KiB a multiprocessor; %d channels, %lld x %lld, "
                        "stages %lld, %d bytes an element\n",
                        tiling.rows, tiling.strips, fault, tiling.shared, kib, batch.channels,
                        static_cast<long long>(height), static_cast<long long>(width), static_cast<long long>(stages),
                        element);
                    return 1;
                  }
                }
              }
            }
          }
        }
      }
    }
  }
  std::printf("%d tilings hold, of %d bytes at most\n", count, most);
}
