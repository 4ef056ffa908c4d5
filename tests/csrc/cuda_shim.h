// What CUDA's language adds, for a host compiler: one OS thread for each CUDA thread, a block's shared memory from the
// heap, so that AddressSanitizer sees its end. Several blocks may run at a time, so that ThreadSanitizer sees what they
// do to one another.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

struct Index {
  unsigned x;
};
static thread_local Index threadIdx, blockIdx;
static Index blockDim, gridDim;

// Whoever leaves it knows what came before it, and nothing else: std::barrier, and a mutex, may hand on more, and hide
// a race. Threads that wait for one atomic share counters with others whose addresses are alike in 64 bytes: those of
// another crew wait elsewhere.
class Barrier {
 public:
  Barrier(unsigned crew, unsigned threads) : threads_(threads), phase_(phases_[crew % 16]) {}

  void arrive_and_wait() {
    const uint32_t phase = phase_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      phase_.notify_all();
    } else {
      phase_.wait(phase, std::memory_order_acquire);
    }
  }

 private:
  alignas(64) std::atomic<uint32_t> phases_[16] = {};
  std::atomic<uint32_t> arrived_ = 0;
  unsigned threads_;
  std::atomic<uint32_t>& phase_;
};

static thread_local Barrier* block_barrier;
static thread_local unsigned char* block_shared;

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

// CUDA's promise no order beside their own; a fence does, of what comes before it and after it in two threads.
inline uint32_t atomicAdd(uint32_t* at, uint32_t value) {
  return std::atomic_ref<uint32_t>(*at).fetch_add(value, std::memory_order_relaxed);
}

inline void __threadfence() {
  static std::atomic<int> fences;  // ThreadSanitizer knows no std::atomic_thread_fence
  fences.fetch_add(1, std::memory_order_acq_rel);
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

// Each crew of threads has one block after another. What a block finds in shared memory, of so many vectors, is poison.
template <typename Kernel>
void launch_blocks(unsigned blocks, unsigned crews, unsigned threads, size_t vectors, const Kernel& kernel) {
  struct Crew {
    Barrier barrier;
    std::vector<uint4> shared;
  };
  blockDim.x = threads, gridDim.x = blocks;
  std::vector<std::unique_ptr<Crew>> made;
  std::vector<std::thread> all;
  for (unsigned first = 0; first < min(blocks, crews); ++first) {
    Crew& crew = *made.emplace_back(new Crew{{first, threads}, std::vector<uint4>(vectors)});
    for (unsigned i = 0; i < threads; ++i) {
      all.emplace_back([&crew, &kernel, blocks, crews, vectors, first, i] {
        threadIdx.x = i;
        block_barrier = &crew.barrier;
        block_shared = reinterpret_cast<unsigned char*>(crew.shared.data());
        for (unsigned block = first; block < blocks; block += crews) {
          blockIdx.x = block;
          crew.barrier.arrive_and_wait();
          if (i == 0) std::memset(static_cast<void*>(block_shared), 0xA5, vectors * sizeof(uint4));
          crew.barrier.arrive_and_wait();
          kernel();
        }
      });
    }
  }
  for (auto& thread : all) thread.join();
}
