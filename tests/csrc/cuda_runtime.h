// The part of CUDA's runtime that csrc/cuda/gpu.h and csrc/cuda/host_memory.h call, over tables in place of a driver.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1 };
enum cudaMemoryType { cudaMemoryTypeUnregistered = 0, cudaMemoryTypeHost = 1, cudaMemoryTypeDevice = 2 };
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount = 16, cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81 };

struct cudaPointerAttributes {
  cudaMemoryType type;
  int device;
  void* devicePointer;
  void* hostPointer;
};

// Bytes of one type that a device reads at another address; unknown ones are an error.
struct Mapped {
  const uint8_t* begin;
  int64_t count;
  cudaMemoryType type;
  uint8_t* there;
};
inline std::vector<Mapped> mapped;
inline std::atomic<cudaError_t> last_error = cudaSuccess;

inline cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* found, const void* address) {
  const auto* byte = static_cast<const uint8_t*>(address);
  for (const Mapped& part : mapped) {
    if (byte < part.begin || byte >= part.begin + part.count) continue;
    uint8_t* there = part.there == nullptr ? nullptr : part.there + (byte - part.begin);
    *found = {part.type, 0, there, nullptr};
    return cudaSuccess;
  }
  return last_error = cudaErrorInvalidValue;
}

inline cudaError_t cudaGetLastError() { return last_error.exchange(cudaSuccess); }

// Every GPU has its own numbers. Device -1 is not there.
inline std::atomic<int> asked_for_attributes, asked_for_occupancy;

inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  ++asked_for_attributes;
  *value = 1000 * (device + 1) + attribute;
  return device < 0 ? cudaErrorInvalidValue : cudaSuccess;
}

inline cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* kernel, int threads,
                                                                 size_t shared) {
  ++asked_for_occupancy;
  *blocks = *static_cast<const int*>(kernel) + threads + static_cast<int>(shared);
  return threads <= 0 ? cudaErrorInvalidValue : cudaSuccess;
}
