// The random bits of a draw's pixels, a row at a time on the CPU.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/philox.h"
#include "cpu/row_kernels.h"

namespace gpuaug {

class PixelBits {
 public:
  // `bits` has room for a line and two more fills.
  PixelBits(uint16_t* bits, int64_t width) : bits_(bits), width_(width) {}

  const uint16_t* row(int64_t key, int64_t place, int channel, int64_t y) {
    const int64_t first = y * width_, last = (first + width_ - 1) / kPixelsPerBlock;
    if (last >= end_) {  // one fill serves several short rows
      begin_ = end_ = first / kPixelsPerBlock;
      for (; end_ <= last; end_ += kPhiloxBlocks) {
        pixel_bits_at(static_cast<uint64_t>(key), place, channel, end_, bits_ + (end_ - begin_) * kPixelsPerBlock);
      }
    }
    return bits_ + (first - begin_ * kPixelsPerBlock);
  }

  // The bits of the first pixel, for all pixels.
  const uint16_t* same(int64_t key, int64_t place, int channel) {
    if (end_ == 0) {
      const Block block = pixel_block(static_cast<uint64_t>(key), place, channel, 0);
      std::fill_n(bits_, padded(width_), static_cast<uint16_t>(pixel_bits(block, 0)));
      end_ = 1;
    }
    return bits_;
  }

 private:
  uint16_t* bits_;
  int64_t width_;
  int64_t begin_ = 0, end_ = 0;  // the range of blocks in `bits`
};

}  // namespace gpuaug
