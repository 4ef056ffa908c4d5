// Properties of a GPU, and of a kernel on it, from the CUDA runtime: queried once and cached. No torch headers here.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <map>
#include <mutex>
#include <tuple>

#include "cuda/tiling.h"

namespace gpuaug {

// A cache of answers by question, for any number of threads. Threads with the same new question wait for one answer;
// errors are not cached. The properties do not change during a process, and no query uses a stream, so that the first
// call may be captured in a graph.
template <typename Question, typename Answer>
class Remembered {
 public:
  // ask(answer) returns a cudaError_t.
  template <typename Ask>
  cudaError_t find(const Question& question, Answer& answer, const Ask& ask) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const auto known = answers_.find(question); known != answers_.end()) {
      answer = known->second;
      return cudaSuccess;
    }
    const cudaError_t error = ask(answer);
    if (error == cudaSuccess) answers_.emplace(question, answer);
    return error;
  }

 private:
  std::mutex mutex_;
  std::map<Question, Answer> answers_;
};

inline cudaError_t find_gpu(int device, Gpu& gpu) {
  static Remembered<int, Gpu> gpus;
  return gpus.find(device, gpu, [device](Gpu& found) {
    const cudaError_t error = cudaDeviceGetAttribute(&found.multiprocessors, cudaDevAttrMultiProcessorCount, device);
    if (error != cudaSuccess) return error;
    return cudaDeviceGetAttribute(&found.shared, cudaDevAttrMaxSharedMemoryPerMultiprocessor, device);
  });
}

// The number of blocks of a kernel that a multiprocessor of `device`, the current one, holds at a time.
inline cudaError_t find_resident(const void* kernel, int device, int threads, size_t shared, int& blocks) {
  static Remembered<std::tuple<const void*, int, int, size_t>, int> kernels;
  return kernels.find({kernel, device, threads, shared}, blocks, [=](int& found) {
    return cudaOccupancyMaxActiveBlocksPerMultiprocessor(&found, kernel, threads, shared);
  });
}

}  // namespace gpuaug
