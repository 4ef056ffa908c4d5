// What the CUDA runtime says of a GPU, and of a kernel on it: asked once, and remembered. No torch headers here.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <map>
#include <mutex>
#include <tuple>

#include "cuda/tiling.h"

namespace gpuaug {

// Answers by question, for any number of threads. Threads that ask a new question wait for the one answer to it; an
// error is not remembered. A GPU and a kernel stay what they are as long as the process, and no question touches a
// stream, so that the first call may be one that is captured.
template <typename Question, typename Answer>
class Remembered {
 public:
  // ask(answer) gives a cudaError_t.
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

// How many blocks of a kernel a multiprocessor of `device`, which is the current one, holds at a time.
inline cudaError_t find_resident(const void* kernel, int device, int threads, size_t shared, int& blocks) {
  static Remembered<std::tuple<const void*, int, int, size_t>, int> kernels;
  return kernels.find({kernel, device, threads, shared}, blocks, [=](int& found) {
    return cudaOccupancyMaxActiveBlocksPerMultiprocessor(&found, kernel, threads, shared);
  });
}

}  // namespace gpuaug
