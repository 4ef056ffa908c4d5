// What CUDA's language adds, for a host compiler: one OS thread for each CUDA thread, a block's shared memory from the
// heap, so that AddressSanitizer sees its end.
#pragma once

#include <algorithm>
#include <barrier>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

struct Index {
  unsigned x;
};
static thread_local Index threadIdx;
static Index blockIdx, blockDim;
static std::barrier<>* block_barrier;
static unsigned char* block_shared;  // memory of the one block that runs

struct alignas(8) uint2 {
  uint32_t x, y;
};
struct alignas(16) uint4 {
  uint32_t x, y, z, w;
};

#define __global__
#define __device__
#define __launch_bounds__(...)
#define __syncthreads() block_barrier->arrive_and_wait()

using std::max;
using std::min;

template <typename T>
T __ldg(const T* from) {
  return *from;
}

// PTX's: a nibble's highest bit asks for the byte's sign, eight times.
inline uint32_t prmt(uint32_t low, uint32_t high, uint32_t picks) {
  const uint64_t both = uint64_t{high} << 32 | low;
  uint32_t out = 0;
  for (int i = 0; i < 4; ++i, picks >>= 4) {
    const auto byte = static_cast<uint32_t>(both >> (picks & 7) * 8 & 0xFF);
    out |= (picks & 8 ? (byte >> 7) * 0xFF : byte) << (8 * i);
  }
  return out;
}

// CUDA's has no signs.
inline uint32_t __byte_perm(uint32_t low, uint32_t high, uint32_t picks) { return prmt(low, high, picks & 0x7777); }

inline uint32_t __funnelshift_r(uint32_t low, uint32_t high, unsigned by) {
  return static_cast<uint32_t>((uint64_t{high} << 32 | low) >> (by & 31));
}

inline uint32_t __dp2a_lo(uint32_t halves, uint32_t bytes, uint32_t sum) {
  return (halves & 0xFFFF) * (bytes & 0xFF) + (halves >> 16) * (bytes >> 8 & 0xFF) + sum;
}

inline uint32_t __dp2a_hi(uint32_t halves, uint32_t bytes, uint32_t sum) { return __dp2a_lo(halves, bytes >> 16, sum); }

// Blocks run one after another; what a block finds in shared memory is poison.
template <typename Kernel>
void launch_blocks(unsigned blocks, unsigned threads, std::vector<uint4>& shared, const Kernel& kernel) {
  blockDim.x = threads;
  std::barrier<> barrier(threads);
  block_barrier = &barrier;
  block_shared = reinterpret_cast<unsigned char*>(shared.data());
  std::vector<std::thread> crew;
  for (unsigned i = 0; i < threads; ++i) {
    crew.emplace_back([&, i] {
      threadIdx.x = i;
      for (unsigned block = 0; block < blocks; ++block) {
        barrier.arrive_and_wait();
        if (i == 0) {
          blockIdx.x = block;
          std::memset(static_cast<void*>(shared.data()), 0xA5, shared.size() * sizeof(uint4));
        }
        barrier.arrive_and_wait();
        kernel();
      }
    });
  }
  for (auto& thread : crew) thread.join();
}
