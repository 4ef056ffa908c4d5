// Reads cases of the op from standard input, as tests/cuda_cases.py writes them, and fails where a byte of a kernel's
// output is not the expected one. Every buffer ends where its memory on the heap does, so that AddressSanitizer sees
// it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "common/batch.h"

// What comes before a case's storage, records, table, line and expected output.
struct Header {
  int64_t storage_bytes, draws, table_bytes, table_per_draw, line_bytes, channels, height, width;
  int64_t interleaved, stages, channels_last, element_size, multiprocessors, least_aligned;
};

// What was read of a case, `shift` bytes past a multiple of 16.
class Buffer {
 public:
  Buffer(int64_t bytes, size_t shift) : data_(static_cast<size_t>(bytes) + shift), shift_(shift) {
    const size_t size = data_.size() - shift;
    if (std::fread(data_.data() + shift, 1, size, stdin) != size) {
      std::fputs("the input ends inside a case\n", stderr);
      std::exit(2);
    }
  }

  // The elements; null where there are none.
  template <typename T>
  const T* of() const {
    return data_.size() == shift_ ? nullptr : reinterpret_cast<const T*>(data_.data() + shift_);
  }

 private:
  std::vector<uint8_t> data_;
  size_t shift_;
};

// paint(header, batch) makes a case's output.
template <typename Paint>
bool agrees(const Header& h, int number, const Paint& paint) {
  // What csrc/host/call.h promises of an address, and no more: a multiple of so many bytes.
  const auto shift = [&h](size_t alignment) { return h.least_aligned ? alignment : 0; };
  const Buffer storage(h.storage_bytes, shift(1));
  const Buffer records(h.draws * static_cast<int64_t>(sizeof(gpuaug::Recipe)), shift(alignof(gpuaug::Recipe)));
  const Buffer table(h.table_bytes, shift(gpuaug::kTableAlignment));
  const Buffer line(h.line_bytes, shift(alignof(double)));
  const Buffer expected_bytes(h.draws * h.channels * h.height * h.width * h.element_size, 0);
  const auto* expected = expected_bytes.of<uint8_t>();
  std::vector<uint8_t> out(static_cast<size_t>(h.draws * h.channels * h.height * h.width * h.element_size), 0x4D);
  const gpuaug::Batch batch{storage.of<uint8_t>(),
                            h.storage_bytes,
                            h.interleaved != 0,
                            records.of<gpuaug::Recipe>(),
                            h.draws,
                            table.of<void>(),
                            h.table_per_draw,
                            out.data(),
                            static_cast<int>(h.channels),
                            h.height,
                            h.width,
                            h.channels_last != 0,
                            line.of<double>()};
  paint(h, batch);
  const auto [got, wanted] = std::mismatch(out.begin(), out.end(), expected);
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
