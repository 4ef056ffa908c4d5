// The launches of the CUDA kernel on the CPU, as csrc/cuda/augment.cu makes them, but with few blocks, so that most
// step on from tile to tile.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cases.h"
#include "common/stages/curves.h"
#include "cuda/measured.h"
#include "cuda/tiling.h"
#include "cuda_shim.h"

#ifndef SHARED_KIB
#define SHARED_KIB 164  // memory of a multiprocessor, as the A100's; of an H200's 228
#endif

namespace gpuaug {

// Three blocks, or with -DPTX_COUNT three for each multiprocessor, as many as a small batch has on a GPU.
inline int64_t most_blocks([[maybe_unused]] const Gpu& gpu) {
#ifdef PTX_COUNT
  return int64_t{3} * gpu.multiprocessors;
#else
  return 3;
#endif
}

// How many blocks run at a time. Those that write have nothing in common; those that count do, a draw's histograms.
// With -DPTX_COUNT warps are counted one block after another.
inline unsigned crews([[maybe_unused]] const Batch& batch) {
#ifdef PTX_COUNT
  return 1;
#else
  return batch.out ? 1 : 3;
#endif
}

// run(batch, tiling) is what a thread runs. The case's `multiprocessors` decide on the size of tiles.
template <typename Run>
void launch(const Header& h, const Batch& batch, int64_t element_size, const Run& run) {
  const Gpu gpu{static_cast<int>(h.multiprocessors), SHARED_KIB << 10};
  Tiling tiling = tiling_of(batch, h.stages, static_cast<int>(element_size), gpu);
  const int64_t blocks = std::min(most_blocks(gpu), tiling.per_draw * batch.draws);
  if (blocks == 0) return;
  spread(tiling, blocks);
  launch_blocks(static_cast<unsigned>(blocks), crews(batch), static_cast<unsigned>(tiling.threads),
                static_cast<size_t>(tiling.shared) / sizeof(uint4), [&] { run(batch, tiling); });
}

// kernel_of(stages, element_size) is the variant to run.
template <typename KernelOf>
void launch_all(const Header& h, Batch batch, const KernelOf& kernel_of) {
  const int64_t stages = h.stages & (kBlur | kShrink);
  std::vector<Measured> measured(static_cast<size_t>(are_measured(h.stages) ? h.draws : 0));  // of zeros
  if (are_measured(h.stages)) {
    batch.measured = measured.data();
    launch(h, counted(batch), 1, kernel_of(kStatistics | stages, 1));
  }
  launch(h, batch, h.element_size, kernel_of(stages, h.element_size));
}

}  // namespace gpuaug
