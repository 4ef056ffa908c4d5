// The last step of the CPU's rows: from levels to the elements of the output.
#pragma once

#include <cstdint>
#include <vector>

#include "common/batch.h"
#include "cpu/row_kernels.h"

namespace gpuaug {

// The output of one draw's levels. If the table equals scale * level + shift to the bit, the elements are computed,
// many at a time; if not, they are looked up.
template <typename Value>
class OutputRow {
 public:
  explicit OutputRow(const Batch& batch) : batch_(batch), to_(out_strides(batch)), width_(batch.width) {
    constexpr int64_t kCached = int64_t{1} << 23;  // bytes that stay in a cache until they are read
    const auto address = reinterpret_cast<uintptr_t>(batch.out);
    streams_ = to_.column == 1 && batch.draws * out_per_draw(batch) * static_cast<int64_t>(sizeof(Value)) > kCached &&
               address % 64 == 0 && width_ % kRowBlock == 0;
    if (to_.column != 1) lines_.resize(static_cast<size_t>(batch.channels * width_));
  }

  // Begins the rows of draw n.
  void begin(int64_t n) {
    out_ = static_cast<Value*>(batch_.out) + n * out_per_draw(batch_);
    if (!batch_.table || (table_ && !batch_.table_per_draw)) return;
    table_ = static_cast<const Value*>(batch_.table) + n * batch_.table_per_draw;
    if (batch_.scale_shift) choose(batch_.scale_shift + (batch_.table_per_draw ? n * 2 * batch_.channels : 0));
  }

  // To be called before the thread ends.
  void end() const {
    if (streams_) finish_streaming();
  }

  void write(int64_t y, Row levels) const {
    Value* row = out_ + y * to_.row;
    if (to_.column == 1) {
      for (int c = 0; c < batch_.channels; ++c) convert(c, levels.channel(c), row + c * to_.channel);
      return;
    }
    for (int c = 0; c < batch_.channels; ++c) convert(c, levels.channel(c), lines_.data() + c * width_);
    interleave(lines_.data(), width_, batch_.channels, row, width_);
  }

 private:
  void convert(int c, const int16_t* levels, Value* out) const {
    if constexpr (sizeof(Value) == sizeof(float)) {
      if (computed_) {
        const auto floats = streams_ ? stream_floats : compute_floats;
        floats(levels, scale_shift_[2 * c], scale_shift_[2 * c + 1], reinterpret_cast<float*>(out), width_);
        return;
      }
    }
    if constexpr (sizeof(Value) == 2) {
      if (computed_) {
        compute_bfloats(levels, scale_shift_[2 * c], scale_shift_[2 * c + 1], out, width_);
        return;
      }
    }
    if constexpr (sizeof(Value) == 1) {
      if (!table_) {
        to_bytes(levels, out, width_);
        return;
      }
    }
    const Value* table = table_ + c * 256;
    for (int64_t x = 0; x < width_; ++x) out[x] = table[levels[x]];
  }

  // The computed values must equal the table's to the bit.
  void choose(const double* scale_shift) {
    if constexpr (sizeof(Value) > 1) {
      scale_shift_ = scale_shift;
      computed_ = true;
      for (int c = 0; c < batch_.channels; ++c) {
        computed_ = computed_ && is_scale_shift(table_ + c * 256, scale_shift[2 * c], scale_shift[2 * c + 1]);
      }
    }
  }

  const Batch& batch_;
  Strides to_;
  int64_t width_;
  Value* out_ = nullptr;
  const Value* table_ = nullptr;
  const double* scale_shift_ = nullptr;
  bool computed_ = false, streams_ = false;
  mutable std::vector<Value> lines_;  // the lines of all channels, before they are interleaved
};

}  // namespace gpuaug
