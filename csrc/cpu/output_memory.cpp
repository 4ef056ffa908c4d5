// The system zeroes fresh memory page by page at the first access, which costs more than all stages of the kernel
// together. A training loop frees one output per batch and allocates the next. So a few freed blocks are kept.
#include "cpu/output_memory.h"

#include <torch/csrc/stable/ops.h>
#include <torch/headeronly/core/MemoryFormat.h>

#ifdef __linux__
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <utility>
#endif

namespace gpuaug {

using torch::headeronly::MemoryFormat;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

namespace {

const torch::stable::Device kCpu(torch::headeronly::DeviceType::CPU);

Tensor plain_output(int64_t draws, int64_t channels, int64_t height, int64_t width, ScalarType dtype,
                    bool channels_last) {
  return torch::stable::empty({draws, channels, height, width}, dtype, std::nullopt, kCpu, std::nullopt,
                              channels_last ? MemoryFormat::ChannelsLast : MemoryFormat::Contiguous);
}

#ifdef __linux__

constexpr size_t kPage = size_t{1} << 21;  // a large page
constexpr size_t kLeastBytes = kPage / 2;  // smaller outputs come from the heap, which keeps its own pages

// Keeps blocks between the end of one tensor and the begin of another.
class Kept {
 public:
  // A block of at least the given size, or null.
  void* take(size_t& bytes) {
    const Guard guard(busy_);
    if (!guard.mine) return nullptr;
    ++taken_;
    Block* best = nullptr;
    for (Block& block : blocks_) {
      if (!block.memory) continue;
      const bool fits = block.bytes >= bytes && block.bytes / 2 <= bytes;
      if (fits && (!best || block.bytes < best->bytes)) best = &block;
      if (!fits && taken_ - block.since > kPatience) std::free(std::exchange(block.memory, nullptr));
    }
    if (!best) return nullptr;
    bytes = best->bytes;
    return std::exchange(best->memory, nullptr);
  }

  void put(void* memory, size_t bytes) {
    const Guard guard(busy_);
    if (guard.mine) {
      // In an empty place, or in place of the block that has waited longest.
      Block& block = *std::min_element(blocks_.begin(), blocks_.end(), [](const Block& a, const Block& b) {
        return std::pair(a.memory != nullptr, a.since) < std::pair(b.memory != nullptr, b.since);
      });
      std::swap(memory, block.memory);
      block.bytes = bytes;
      block.since = taken_;
    }
    std::free(memory);
  }

 private:
  static constexpr uint64_t kPatience = 64;  // outputs; a block that waits longer is freed

  struct Block {
    void* memory = nullptr;
    size_t bytes = 0;
    uint64_t since = 0;
  };

  // Only tried: a forked process may find it locked for ever, and then keeps no blocks.
  struct Guard {
    explicit Guard(std::atomic_flag& flag) : busy(flag), mine(!flag.test_and_set(std::memory_order_acquire)) {}
    ~Guard() {
      if (mine) busy.clear(std::memory_order_release);
    }
    std::atomic_flag& busy;
    const bool mine;
  };

  std::array<Block, 4> blocks_;  // a loop holds one output and makes the next; a prefetching loader holds a few more
  uint64_t taken_ = 0;
  std::atomic_flag busy_;
};

Kept kept;

#endif

}  // namespace

Tensor new_output_cpu(int64_t draws, int64_t channels, int64_t height, int64_t width, ScalarType dtype,
                      bool channels_last) {
#ifdef __linux__
  const int64_t element = dtype == ScalarType::Float ? 4 : dtype == ScalarType::Byte ? 1 : 2;
  auto bytes = static_cast<size_t>(draws * channels * height * width * element);
  if (bytes >= kLeastBytes) {
    bytes = (bytes + kPage - 1) / kPage * kPage;
    void* memory = kept.take(bytes);
    if (!memory) {
      memory = std::aligned_alloc(kPage, bytes);
      if (!memory) return plain_output(draws, channels, height, width, dtype, channels_last);
      madvise(memory, bytes, MADV_HUGEPAGE);  // a hint, which may fail
    }
    const std::array<int64_t, 4> sizes{draws, channels, height, width};
    const std::array<int64_t, 4> planar{channels * height * width, height * width, width, 1};
    const std::array<int64_t, 4> interleaved{channels * height * width, 1, width * channels, channels};
    const auto give_back = [bytes](void* data) { kept.put(data, bytes); };
    return torch::stable::from_blob(memory, sizes, channels_last ? interleaved : planar, kCpu, dtype, give_back);
  }
#endif
  return plain_output(draws, channels, height, width, dtype, channels_last);
}

}  // namespace gpuaug
