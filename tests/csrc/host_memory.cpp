// What csrc/cuda/host_memory.h says of memory that is pinned, as a whole or in part, and of memory that is not.
#include "cuda/host_memory.h"

#include <cstdint>
#include <cstdio>

int main() {
  static uint8_t memory[64], there[64], elsewhere[64];
  int wrong = 0;
  const auto expect = [&wrong](const char* what, const uint8_t* got, const uint8_t* expected) {
    if (got == expected && last_error == cudaSuccess) return;
    std::printf("%s\n", what);
    ++wrong;
  };
  const auto at = [](const uint8_t* bytes, int64_t count) { return gpuaug::device_address(bytes, count); };

  expect("memory that the driver does not know", at(memory, 64), nullptr);
  mapped = {{memory, 64, cudaMemoryTypeUnregistered, memory}};
  expect("pageable memory", at(memory, 64), nullptr);
  mapped = {{memory, 64, cudaMemoryTypeDevice, there}};
  expect("memory of a device", at(memory, 64), nullptr);
  mapped = {{memory, 64, cudaMemoryTypeHost, nullptr}};
  expect("pinned memory that the device does not reach", at(memory, 64), nullptr);
  mapped = {{memory, 64, cudaMemoryTypeHost, there}};
  expect("pinned memory", at(memory, 64), there);
  expect("a part of it", at(memory + 5, 20), there + 5);
  expect("one byte of it", at(memory + 63, 1), there + 63);
  expect("memory that begins in it and ends behind it", at(memory + 5, 60), nullptr);
  mapped = {{memory, 32, cudaMemoryTypeHost, there}, {memory + 32, 32, cudaMemoryTypeHost, elsewhere}};
  expect("memory in two pieces", at(memory, 64), nullptr);
  expect("the second piece", at(memory + 32, 32), elsewhere);
  if (wrong == 0) std::puts("as pinned");
  return wrong != 0;
}
