// The CUDA kernel as nvcc compiled it to PTX, run by the host: one OS thread for each CUDA thread. With -DPTX_COUNT it
// prints how many instructions the threads of each case execute together, and how many their warps issue at the least;
// the most that one thread executes for a block, and waits; and the launch.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "cases.h"
#include "cuda_launch.h"
#include "cuda_shim.h"
#include "ptx_variants.h"

namespace {

ptx::Counts* counts;  // of the launch that runs

// At a barrier, and at the end of a thread.
void tell_warp() {
#ifdef PTX_COUNT
  static thread_local uint64_t interval = 0;
  counts->warps.at(threadIdx.x / 32).join(++interval, ptx::turns);
  ptx::turns.clear();
#endif
}

const Variant& variant_of(int64_t stages, int64_t element_size) {
  for (const Variant& variant : variants()) {
    if (variant.stages == stages && variant.element_size == element_size) return variant;
  }
  std::fprintf(stderr, "no variant for stages %lld and %lld bytes an element\n", static_cast<long long>(stages),
               static_cast<long long>(element_size));
  std::exit(2);
}

}  // namespace

void ptx::barrier() {
  tell_warp();
  block_barrier->arrive_and_wait();
}

int main() {
  return run_cases([](const Header& h, const gpuaug::Batch& batch) {
    std::atomic<uint64_t> executed = 0;
    std::mutex mutex;
    uint64_t longest = 0, waits = 0;
    unsigned blocks = 0;
    ptx::Counts of_launch;
    counts = &of_launch;
    gpuaug::launch_all(h, batch, [&](int64_t stages, int64_t element_size) {
      const Variant& variant = variant_of(stages, element_size);
      return [&](const gpuaug::Batch& given, const gpuaug::Tiling& tiling) {
        const auto bytes = [](const auto& parameter) { return reinterpret_cast<const unsigned char*>(&parameter); };
        ptx::executed_instructions = ptx::waits = 0;
        variant.run({{bytes(given), bytes(tiling)}, block_shared, threadIdx.x, blockIdx.x, blockDim.x});
        tell_warp();
        executed += ptx::executed_instructions;
        const std::lock_guard<std::mutex> lock(mutex);
        longest = std::max(longest, ptx::executed_instructions);
        waits = std::max(waits, ptx::waits);
        blocks = std::max(blocks, blockIdx.x + 1);
      };
    });
#ifdef PTX_COUNT
    const auto whole = [](uint64_t number) { return static_cast<unsigned long long>(number); };
    std::printf("%llu instructions, %llu of warps; %llu in a thread's block, %llu waits; %u blocks of %u\n",
                whole(executed), whole(of_launch.of_warps()), whole(longest), whole(waits), blocks, blockDim.x);
#endif
  });
}
