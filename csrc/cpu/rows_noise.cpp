// The loops of the stage noise.
#include "common/stages/noise.h"
#include "cpu/row_kernels.h"
#include "host/simd.h"

namespace gpuaug {
namespace {

// The normal numbers, in the element size of vector gathers.
struct WideNormals {
  int32_t of[256];
};

constexpr WideNormals kNormals = [] {
  WideNormals wide{};
  for (int k = 0; k < 256; ++k) wide.of[k] = normals().of[k];
  return wide;
}();

}  // namespace

GPUAUG_ALL_VECTORS
void add_normal(const uint16_t* __restrict bits, const NoiseScale& scale, int16_t* __restrict levels, int64_t n) {
  const NoiseScale own = scale;
  for (int64_t x = 0; x < n; ++x) {
    const int drawn = normal(kNormals.of[bits[x] & 0xFF], kNormals.of[bits[x] >> 8]);
    levels[x] = static_cast<int16_t>(with_normal(levels[x] & 0xFF, drawn, own));
  }
}

GPUAUG_ALL_VECTORS
void multiply_levels(const uint16_t* __restrict bits, const NoiseScale& scale, int16_t* __restrict levels, int64_t n) {
  const NoiseScale own = scale;
  for (int64_t x = 0; x < n; ++x) levels[x] = static_cast<int16_t>(with_factor(levels[x] & 0xFF, bits[x], own));
}

}  // namespace gpuaug
