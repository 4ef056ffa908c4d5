// The loops of the stage color.
#include "common/stages/color.h"
#include "cpu/row_kernels.h"
#include "host/simd.h"

namespace gpuaug {

GPUAUG_ALL_VECTORS
void color_levels(const ColorStage& stage, Row levels, int channels, int64_t n) {
  int16_t* __restrict red = levels.channel(0);
  int16_t* __restrict green = levels.channel(1);
  int16_t* __restrict blue = levels.channel(2);
  const ColorRow r = stage.red, g = stage.green, b = stage.blue;
  if (channels == 1) {
    const auto weight = r.red + r.green + r.blue;
    for (int64_t x = 0; x < n; ++x) red[x] = static_cast<int16_t>(color({weight, 0, 0, r.added}, red[x], 0, 0));
  } else if (channels == 2) {
    for (int64_t x = 0; x < n; ++x) {
      const int first = red[x], second = green[x];
      red[x] = static_cast<int16_t>(color(r, first, second, second));
      green[x] = static_cast<int16_t>(color(g, first, second, second));
    }
  } else {
    for (int64_t x = 0; x < n; ++x) {
      const int first = red[x], second = green[x], third = blue[x];
      red[x] = static_cast<int16_t>(color(r, first, second, third));
      green[x] = static_cast<int16_t>(color(g, first, second, third));
      blue[x] = static_cast<int16_t>(color(b, first, second, third));
    }
  }
}

}  // namespace gpuaug
