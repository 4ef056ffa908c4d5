// The op `to_levels` on the CPU: threads share the rows of the images.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <cstdint>

#include "common/to_levels.h"
#include "cpu/output_memory.h"
#include "host/simd.h"
#include "host/values.h"

namespace gpuaug {
namespace {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

constexpr int kBlock = 32;  // values

template <typename Value>
inline void line_to_levels(const Value* __restrict in, uint8_t* __restrict out, int64_t n, LevelScale scale) {
  int64_t x = 0;
  for (; x + kBlock <= n; x += kBlock) {
    for (int i = 0; i < kBlock; ++i) out[x + i] = level_of(in[x + i], scale);
  }
  for (; x < n; ++x) out[x] = level_of(in[x], scale);
}

GPUAUG_ALL_VECTORS
void line_of_levels(const uint8_t* in, uint8_t* out, int64_t n, LevelScale scale) { line_to_levels(in, out, n, scale); }

GPUAUG_ALL_VECTORS
void line_of_levels(const uint16_t* in, uint8_t* out, int64_t n, LevelScale scale) {
  line_to_levels(in, out, n, scale);
}

GPUAUG_ALL_VECTORS
void line_of_levels(const int16_t* in, uint8_t* out, int64_t n, LevelScale scale) { line_to_levels(in, out, n, scale); }

template <typename Value>
void run(const Value* storage, const ValueWindow* windows, const Recipe* recipes, int64_t draws, int channels,
         bool interleaved, uint8_t* out) {
  const auto wanted = 2 * static_cast<int64_t>(torch::stable::get_num_threads());
  const int64_t per_draw = std::clamp<int64_t>((wanted + draws - 1) / draws, 1, 64);
  torch::stable::parallel_for(0, draws * per_draw, 1, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t n = unit / per_draw, part = unit % per_draw;
      const Lines lines = lines_of(recipes[n], channels, interleaved);
      const LevelScale scale = level_scale(windows[n]);
      const int64_t last = lines.count * (part + 1) / per_draw;
      for (int64_t line = lines.count * part / per_draw; line < last; ++line) {
        const int64_t at = lines.begin(line);
        line_of_levels(storage + windows[n].offset + at, out + recipes[n].offset + at, lines.length, scale);
      }
    }
  });
}

}  // namespace

Tensor to_levels_cpu(const Tensor& storage, const Tensor& windows, const Tensor& records, int64_t channels,
                     bool interleaved, int64_t values) {
  check_values(storage, windows, records, channels, values);
  const auto* recipes = static_cast<const Recipe*>(records.const_data_ptr());
  const auto* own = static_cast<const ValueWindow*>(windows.const_data_ptr());
  const int64_t draws = records.size(0);
  for (int64_t n = 0; n < draws; ++n) {
    STD_TORCH_CHECK(lies_in(storage.numel(), own[n].offset, recipes[n], static_cast<int>(channels)), "windows: draw ",
                    n, " reads outside the images: offset ", own[n].offset, ", size ", recipes[n].height, " x ",
                    recipes[n].width, " in ", storage.numel(), " values");
    STD_TORCH_CHECK(lies_in(values, recipes[n].offset, recipes[n], static_cast<int>(channels)), "recipes: draw ", n,
                    " lies outside the levels: offset ", recipes[n].offset, ", size ", recipes[n].height, " x ",
                    recipes[n].width, " in ", values, " values");
  }
  const Tensor out = torch::stable::view(new_output_cpu(1, 1, 1, values, ScalarType::Byte, false), {values});
  if (draws == 0 || values == 0) return out;
  with_value(storage.scalar_type(), [&](auto value) {
    run(static_cast<const decltype(value)*>(storage.const_data_ptr()), own, recipes, draws, static_cast<int>(channels),
        interleaved, static_cast<uint8_t*>(out.mutable_data_ptr()));
  });
  return out;
}

}  // namespace gpuaug

STABLE_TORCH_LIBRARY_IMPL(gpuaug, CPU, library) { library.impl("to_levels", TORCH_BOX(&gpuaug::to_levels_cpu)); }
