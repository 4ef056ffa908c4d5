// The CUDA kernels of the op `clahe` compiled by a host compiler, on cases from standard input; fails where a byte of
// the images is not the expected one. A few blocks of few threads, so that each steps on from tile to tile.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>

#include "cases.h"
#include "cuda_shim.h"

#include "cuda/clahe.cuh"

namespace gpuaug {

unsigned char* block_memory() { return block_shared; }

// What comes before a case's images, rows, limits and expected images. No rows: -1.
struct ClaheHeader {
  int64_t count, channels, height, width, channels_last, rows, draws, down, across;
};

bool agrees(const ClaheHeader& h, int number) {
  const int64_t plane = h.height * h.width, image = h.channels * plane;
  const Buffer images(h.count * image, 0);
  const Buffer rows(std::max<int64_t>(h.rows, 0) * 8, 0), limits(h.draws * 4, 0), expected(h.count * image, 0);
  // Exactly as many bytes as there are, so that AddressSanitizer sees their ends.
  const std::unique_ptr<uint8_t[]> out(new uint8_t[static_cast<size_t>(h.count * image)]);
  std::copy_n(images.of<uint8_t>(), h.count * image, out.get());
  ClaheCall call{out.get(),
                 h.count,
                 h.channels == 4 ? kMostColored : h.channels,
                 {image, plane, h.width, 1},
                 h.rows < 0 ? nullptr : rows.of<int64_t>(),
                 1,
                 h.draws,
                 limits.of<float>(),
                 1,
                 TileGrid::of(h.height, h.width, h.down, h.across)};
  if (h.channels_last) {
    const int64_t strides[] = {image, 1, h.width * h.channels, h.channels};
    std::copy_n(strides, 4, call.strides);
  }
  const int64_t tiles = call.planes() * call.grid.tiles();
  const int64_t cells = call.planes() * call.grid.rows.cells() * call.grid.columns.cells();
  const std::unique_ptr<uint8_t[]> tables(new uint8_t[static_cast<size_t>(tiles * kLevels)]);
  constexpr unsigned kBlocks = 3, kCrews = 2, kThreads = 24;
  const auto launch = [](int64_t units, size_t bytes, const auto& kernel) {
    const auto blocks = static_cast<unsigned>(std::min<int64_t>(units, kBlocks));
    launch_blocks(blocks, kCrews, kThreads, (bytes + sizeof(uint4) - 1) / sizeof(uint4), kernel);
  };
  launch(tiles, sizeof(TileCounts), [&] { clahe_tables(call, tables.get()); });
  launch(cells, kLevels * sizeof(uint32_t), [&] { clahe_blend(call, tables.get()); });
  const auto [got, wanted] = std::mismatch(out.get(), out.get() + h.count * image, expected.of<uint8_t>());
  if (got == out.get() + h.count * image) return true;
  std::fprintf(stderr, "case %d: byte %td of the images is %d, expected %d\n", number, got - out.get(), *got, *wanted);
  return false;
}

}  // namespace gpuaug

int main() {
  int cases = 0;
  for (gpuaug::ClaheHeader header; std::fread(&header, sizeof header, 1, stdin) == 1; ++cases) {
    if (!gpuaug::agrees(header, cases)) return 1;
  }
  std::printf("%d cases agree\n", cases);
  return 0;
}
