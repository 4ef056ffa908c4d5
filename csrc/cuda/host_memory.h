// The addresses at which a GPU reads memory of the host. No torch headers here.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace gpuaug {

// The address at which a GPU reads these bytes over the bus; null if one of their ends is not page-locked, as pages may
// be locked in part. It is queried anew each time, as freed addresses are used again.
inline const uint8_t* device_address(const uint8_t* bytes, int64_t count) {
  const auto look_up = [](const uint8_t* byte) -> const uint8_t* {
    cudaPointerAttributes found{};
    if (cudaPointerGetAttributes(&found, byte) != cudaSuccess) {
      cudaGetLastError();  // else the next launch would report the error
      return nullptr;
    }
    return found.type == cudaMemoryTypeHost ? static_cast<const uint8_t*>(found.devicePointer) : nullptr;
  };
  const uint8_t* first = look_up(bytes);
  if (first == nullptr || count <= 1) return first;
  return look_up(bytes + count - 1) == first + count - 1 ? first : nullptr;
}

}  // namespace gpuaug
