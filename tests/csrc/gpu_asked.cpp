// How often csrc/cuda/gpu.h asks the runtime, where several threads ask it the same at once.
#include <cstdio>
#include <thread>
#include <vector>

#include "cuda/gpu.h"

namespace {

constexpr int kThreads = 8, kRounds = 500, kDevices = 3;
const int kernels[] = {10'000, 20'000};

// Whether all answers are right.
bool ask_for_all() {
  bool right = true;
  for (int device = 0; device < kDevices; ++device) {
    gpuaug::Gpu gpu{};
    right &= gpuaug::find_gpu(device, gpu) == cudaSuccess;
    right &= gpu.multiprocessors == 1000 * (device + 1) + cudaDevAttrMultiProcessorCount;
    right &= gpu.shared == 1000 * (device + 1) + cudaDevAttrMaxSharedMemoryPerMultiprocessor;
    for (const int& kernel : kernels) {
      for (const int threads : {32, 256}) {
        for (const size_t shared : {0, 4096}) {
          int blocks = 0;
          right &= gpuaug::find_resident(&kernel, device, threads, shared, blocks) == cudaSuccess;
          right &= blocks == kernel + threads + static_cast<int>(shared);
        }
      }
    }
  }
  return right;
}

}  // namespace

int main() {
  int wrong = 0;
  const auto expect = [&wrong](const char* what, int got, int expected) {
    if (got == expected) return;
    std::printf("%s: %d, expected %d\n", what, got, expected);
    ++wrong;
  };
  std::atomic<int> right = 0;
  std::vector<std::thread> crew;
  for (int i = 0; i < kThreads; ++i) {
    crew.emplace_back([&right] {
      for (int round = 0; round < kRounds; ++round) right += ask_for_all();
    });
  }
  for (auto& thread : crew) thread.join();
  expect("rounds with right answers", right, kThreads * kRounds);
  expect("questions for attributes", asked_for_attributes, 2 * kDevices);
  expect("questions for occupancy", asked_for_occupancy, kDevices * 2 * 2 * 2);

  gpuaug::Gpu gpu{};
  int blocks = 0;
  for (int times = 1; times <= 2; ++times) {
    expect("a GPU that is not there", gpuaug::find_gpu(-1, gpu), cudaErrorInvalidValue);
    expect("questions for it", asked_for_attributes, 2 * kDevices + times);
    expect("no threads", gpuaug::find_resident(&kernels[0], 0, 0, 0, blocks), cudaErrorInvalidValue);
    expect("questions for them", asked_for_occupancy, kDevices * 2 * 2 * 2 + times);
  }
  if (wrong == 0) std::puts("asked once");
  return wrong != 0;
}
