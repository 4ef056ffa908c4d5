// The CUDA kernel compiled by a host compiler: one OS thread for each CUDA thread, blocks one after another.
// Reads cases from standard input, as tests/test_cuda_source.py writes them, and fails where a byte of the kernel's
// output is not the expected one. Every buffer has its exact size on the heap, so that AddressSanitizer sees its end.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "cuda_shim.h"

#include "augment_kernel.cuh"

namespace gpuaug {

static unsigned char* memory;  // of the one block that runs
unsigned char* block_memory() { return memory; }

using Kernel = void (*)(const Batch, const Tiling);

template <typename Value>
Kernel variant(int64_t stages) {
  constexpr Kernel kernels[] = {augment_kernel<0, Value>, augment_kernel<kBlur, Value>, augment_kernel<kShrink, Value>,
                                augment_kernel<kBlur | kShrink, Value>};
  return kernels[(stages & kBlur ? 1 : 0) + (stages & kShrink ? 2 : 0)];
}

Kernel kernel_of(int64_t stages, int64_t element_size) {
  if (element_size == 1) return variant<uint8_t>(stages);
  if (element_size == 2) return variant<uint16_t>(stages);
  return variant<uint32_t>(stages);
}

// `multiprocessors` decides on the size of tiles; few blocks, so that most step on.
void launch(int64_t stages, int64_t element_size, int multiprocessors, const Batch& batch) {
  const Kernel kernel = kernel_of(stages, element_size);
  Tiling tiling = tiling_of(batch, stages, static_cast<int>(element_size), multiprocessors);
  const int64_t blocks = std::min<int64_t>(3, tiling.per_draw * batch.draws);
  if (blocks == 0) return;
  spread(tiling, blocks);
  std::vector<uint4> shared(static_cast<size_t>(tiling.shared) / sizeof(uint4));
  memory = reinterpret_cast<unsigned char*>(shared.data());
  launch_blocks(static_cast<unsigned>(blocks), static_cast<unsigned>(tiling.threads), shared,
                [&] { kernel(batch, tiling); });
}

}  // namespace gpuaug

// What comes before a case's storage, records, table and expected output.
struct Header {
  int64_t storage_bytes, draws, table_bytes, table_per_draw, channels, height, width;
  int64_t interleaved, stages, channels_last, element_size, multiprocessors;
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
  gpuaug::launch(h.stages, h.element_size, static_cast<int>(h.multiprocessors), batch);
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
