// The CUDA kernel compiled by a host compiler: one OS thread for each CUDA thread, blocks one after another.
// Reads cases from standard input, as tests/test_cuda_source.py writes them, and fails where a byte of the kernel's
// output is not the expected one. Every buffer has its exact size on the heap, so that AddressSanitizer sees its end.
#include <algorithm>
#include <barrier>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

struct Index {
  unsigned x;
};
static thread_local Index threadIdx;
static Index blockIdx, gridDim;
static std::barrier<>* block_barrier;

#define __global__
#define __device__
#define __launch_bounds__(...)
#define __shared__ extern  // defined below, in reach of the poison
#define __syncthreads() block_barrier->arrive_and_wait()

#include "augment_kernel.cuh"

namespace gpuaug {

Patch patch;

using Kernel = void (*)(Batch);

template <typename Value, int64_t... kVariant>
Kernel variant(int64_t stages, std::integer_sequence<int64_t, kVariant...>) {
  static_assert((kBlur | kNoise | kShrink) == 2 * (sizeof...(kVariant) - 1));
  constexpr Kernel kernels[] = {augment_kernel<2 * kVariant, Value>...};
  return kernels[(stages & (kBlur | kNoise | kShrink)) / 2];
}

Kernel kernel_of(int64_t stages, int64_t element_size) {
  constexpr auto variants = std::make_integer_sequence<int64_t, 8>();
  if (element_size == 1) return variant<uint8_t>(stages, variants);
  if (element_size == 2) return variant<uint16_t>(stages, variants);
  return variant<uint32_t>(stages, variants);
}

void launch(Kernel kernel, const Batch& batch) {
  gridDim.x = 3;  // fewer than most cases have tiles, so that blocks step on
  std::barrier<> barrier(kThreads);
  block_barrier = &barrier;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      threadIdx.x = i;
      for (unsigned block = 0; block < gridDim.x; ++block) {
        barrier.arrive_and_wait();
        if (i == 0) {
          blockIdx.x = block;
          std::memset(static_cast<void*>(&patch), 0xA5, sizeof patch);
        }
        barrier.arrive_and_wait();
        kernel(batch);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace gpuaug

// What comes before a case's storage, records, table and expected output.
struct Header {
  int64_t storage_bytes, draws, table_bytes, table_per_draw, channels, height, width;
  int64_t interleaved, stages, channels_last, element_size;
};

static std::vector<uint8_t> read(int64_t bytes) {
  std::vector<uint8_t> data(static_cast<size_t>(bytes));
  if (std::fread(data.data(), 1, data.size(), stdin) != data.size()) {
    std::fputs("the input ends inside a case\n", stderr);
    std::exit(2);
  }
  return data;
}

static bool agrees(const Header& h, int number) {
  const auto storage = read(h.storage_bytes);
  const auto records = read(h.draws * static_cast<int64_t>(sizeof(gpuaug::Recipe)));
  const auto table = read(h.table_bytes);
  const auto expected = read(h.draws * h.channels * h.height * h.width * h.element_size);
  std::vector<uint8_t> out(expected.size(), 0x4D);
  const gpuaug::Batch batch{storage.data(),
                            h.storage_bytes,
                            h.interleaved != 0,
                            reinterpret_cast<const gpuaug::Recipe*>(records.data()),
                            h.draws,
                            table.empty() ? nullptr : table.data(),
                            h.table_per_draw,
                            out.data(),
                            static_cast<int>(h.channels),
                            h.height,
                            h.width,
                            h.channels_last != 0};
  gpuaug::launch(gpuaug::kernel_of(h.stages, h.element_size), batch);
  const auto [got, wanted] = std::mismatch(out.begin(), out.end(), expected.begin());
  if (got == out.end()) return true;
  std::fprintf(stderr,
               "case %d: byte %td of the output is %d, expected %d: %lld draws of %lld x %lld x %lld, stages %lld, "
               "%lld bytes an element, interleaved %lld, channels last %lld\n",
               number, got - out.begin(), *got, *wanted, static_cast<long long>(h.draws),
               static_cast<long long>(h.channels), static_cast<long long>(h.height), static_cast<long long>(h.width),
               static_cast<long long>(h.stages), static_cast<long long>(h.element_size),
               static_cast<long long>(h.interleaved), static_cast<long long>(h.channels_last));
  return false;
}

int main() {
  int cases = 0;
  for (Header header; std::fread(&header, sizeof header, 1, stdin) == 1; ++cases) {
    if (!agrees(header, cases)) return 1;
  }
  std::printf("%d cases agree\n", cases);
}
