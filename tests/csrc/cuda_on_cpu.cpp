// The CUDA kernel compiled by a host compiler: one OS thread for each CUDA thread, blocks one after another.
// Loaded through ctypes by tests/test_cuda_source.py, which compares its bytes with the other backends'.
#include <barrier>
#include <cstdint>
#include <thread>
#include <vector>

struct Index {
  unsigned x;
};
static thread_local Index threadIdx;
static Index blockIdx, gridDim;
static std::barrier<>* block_barrier;

#define __global__
#define __device__
#define __launch_bounds__(threads)
#define __shared__ static
#define __syncthreads() block_barrier->arrive_and_wait()

#include "../../csrc/augment_kernel.cuh"

namespace gpuaug {

template <int64_t kStages, typename Value>
void launch(const Batch& batch) {
  gridDim.x = 3;  // fewer than the tiles, so that blocks step on
  for (blockIdx.x = 0; blockIdx.x < gridDim.x; ++blockIdx.x) {
    std::barrier<> barrier(kThreads);
    block_barrier = &barrier;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i) {
      threads.emplace_back([&batch, i] {
        threadIdx.x = i;
        augment_kernel<kStages, Value>(batch);
      });
    }
    for (auto& thread : threads) thread.join();
  }
}

template <typename Value>
void launch_variant(const Batch& batch, int64_t stages) {
  switch (stages & (kBlur | kNoise)) {
    case 0:
      return launch<0, Value>(batch);
    case kBlur:
      return launch<kBlur, Value>(batch);
    case kNoise:
      return launch<kNoise, Value>(batch);
    default:
      return launch<kBlur | kNoise, Value>(batch);
  }
}

}  // namespace gpuaug

extern "C" void augment(const uint8_t* storage, int64_t storage_bytes, bool interleaved, const void* recipes,
                        int64_t draws, const void* table, int64_t table_per_draw, void* out, int channels,
                        int64_t height, int64_t width, bool channels_last, int64_t stages, int element_size) {
  using namespace gpuaug;
  const Batch batch{storage,  storage_bytes, interleaved,    static_cast<const Recipe*>(recipes),
                    draws,    table,         table_per_draw, out,
                    channels, height,        width,          channels_last};
  switch (element_size) {
    case 1:
      return launch_variant<uint8_t>(batch, stages);
    case 2:
      return launch_variant<uint16_t>(batch, stages);
    default:
      return launch_variant<uint32_t>(batch, stages);
  }
}
