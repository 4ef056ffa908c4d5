// The CUDA kernel that makes levels of values, compiled by a host compiler: cases from standard input, as
// tests/csrc/test_to_levels.py writes them. Every buffer ends where its memory on the heap does.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "cuda_shim.h"

#include "cuda/to_levels.cuh"

namespace {

// What comes before a case's storage, windows, records and expected levels. `kind`: 1 of bytes, 2 of uint16, 3 of
// int16.
struct Header {
  int64_t kind, count, draws, channels, interleaved, levels, blocks_per_draw;
};

template <typename T>
std::vector<T> read(int64_t count) {
  std::vector<T> values(static_cast<size_t>(count));
  if (std::fread(values.data(), sizeof(T), values.size(), stdin) != values.size()) {
    std::fputs("the input ends inside a case\n", stderr);
    std::exit(2);
  }
  return values;
}

template <typename Value>
bool agrees(const Header& h, int number) {
  const auto storage = read<Value>(h.count);
  const auto windows = read<gpuaug::ValueWindow>(h.draws);
  const auto records = read<gpuaug::Recipe>(h.draws);
  const auto expected = read<uint8_t>(h.levels);
  std::vector<uint8_t> out(static_cast<size_t>(h.levels), 0x4D);
  const auto per_draw = static_cast<unsigned>(h.blocks_per_draw);
  const gpuaug::Values<Value> values{
      storage.data(),     h.count,    windows.data(), records.data(), static_cast<int>(h.channels),
      h.interleaved != 0, out.data(), h.levels,       per_draw};
  launch_blocks(static_cast<unsigned>(h.draws) * per_draw, 3, 64, 1, [&] { gpuaug::to_levels_kernel(values); });
  const auto [got, wanted] = std::mismatch(out.begin(), out.end(), expected.begin());
  if (got == out.end()) return true;
  std::fprintf(stderr, "case %d: level %td is %d, expected %d\n", number, got - out.begin(), *got, *wanted);
  return false;
}

}  // namespace

int main() {
  int cases = 0;
  for (Header h; std::fread(&h, sizeof h, 1, stdin) == 1; ++cases) {
    const bool same = h.kind == 1   ? agrees<uint8_t>(h, cases)
                      : h.kind == 2 ? agrees<uint16_t>(h, cases)
                                    : agrees<int16_t>(h, cases);
    if (!same) return 1;
  }
  std::printf("%d cases agree\n", cases);
  return 0;
}
