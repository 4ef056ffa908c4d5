// Reads cases of the op from standard input, as tests/cuda_cases.py writes them, and fails where a byte of a kernel's
// output is not the expected one. Every buffer has its exact size on the heap, so that AddressSanitizer sees its end.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "batch.h"

// What comes before a case's storage, records, table, line and expected output.
struct Header {
  int64_t storage_bytes, draws, table_bytes, table_per_draw, line_bytes, channels, height, width;
  int64_t interleaved, stages, channels_last, element_size, multiprocessors;
};

inline std::vector<uint8_t> read(int64_t bytes) {
  std::vector<uint8_t> data(static_cast<size_t>(bytes));
  if (std::fread(data.data(), 1, data.size(), stdin) != data.size()) {
    std::fputs("the input ends inside a case\n", stderr);
    std::exit(2);
  }
  return data;
}

// paint(header, batch) makes a case's output.
template <typename Paint>
bool agrees(const Header& h, int number, const Paint& paint) {
  const auto storage = read(h.storage_bytes);
  const auto records = read(h.draws * static_cast<int64_t>(sizeof(gpuaug::Recipe)));
  const auto table = read(h.table_bytes);
  const auto line = read(h.line_bytes);
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
                            h.channels_last != 0,
                            line.empty() ? nullptr : reinterpret_cast<const double*>(line.data())};
  paint(h, batch);
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

template <typename Paint>
int run_cases(const Paint& paint) {
  int cases = 0;
  for (Header header; std::fread(&header, sizeof header, 1, stdin) == 1; ++cases) {
    if (!agrees(header, cases, paint)) return 1;
  }
  std::printf("%d cases agree\n", cases);
  return 0;
}
