// The loops of the stage blur.
#include "common/stages/blur.h"
#include "cpu/row_kernels.h"
#include "host/simd.h"

namespace gpuaug {
namespace {

inline int16_t blurred(int16_t before2, int16_t before1, int16_t centre, int16_t after1, int16_t after2, int16_t outer,
                       int16_t inner) {
  const int16_t far = rounded_product(difference(mean(before2, after2), centre), outer);
  const int16_t near = rounded_product(difference(mean(before1, after1), centre), inner);
  return sum(sum(centre, far), near);
}

}  // namespace

GPUAUG_ALL_VECTORS
void blur_across(Row row, int channels, int16_t outer, int16_t inner, Row to, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const int16_t* __restrict in = row.channel(c);
    int16_t* __restrict out = to.channel(c);
    for (int64_t x = 0; x < n; x += kRowBlock) {
      for (int i = 0; i < kRowBlock; ++i) {
        const int16_t* at = in + x + i;
        out[x + i] = blurred(at[-2], at[-1], at[0], at[1], at[2], outer, inner);
      }
    }
  }
}

GPUAUG_ALL_VECTORS
void blur_down(const int16_t* const rows[5], int16_t outer, int16_t inner, int16_t* __restrict out, int64_t n) {
  const int16_t* __restrict a = rows[0], * __restrict b = rows[1], * __restrict c = rows[2], * __restrict d = rows[3], * __restrict e = rows[4];
  for (int64_t x = 0; x < n; x += kRowBlock) {
    for (int i = 0; i < kRowBlock; ++i) {
      out[x + i] = rounded_level(blurred(a[x + i], b[x + i], c[x + i], d[x + i], e[x + i], outer, inner));
    }
  }
}

GPUAUG_ALL_VECTORS
void article_across_row(Row row, int channels, Row to, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const int16_t* __restrict in = row.channel(c);
    int16_t* __restrict out = to.channel(c);
    for (int64_t x = 0; x < n; x += kRowBlock) {
      for (int i = 0; i < kRowBlock; ++i) {
        const int16_t* at = in + x + i;
        out[x + i] = static_cast<int16_t>(article_across(at[-2], at[-1], at[0], at[1], at[2]));
      }
    }
  }
}

GPUAUG_ALL_VECTORS
void article_down_row(const int16_t* const rows[5], const int16_t* const image[3], int16_t* __restrict out, int64_t n) {
  const int16_t* __restrict a = rows[0], * __restrict b = rows[1], * __restrict c = rows[2], * __restrict d = rows[3], * __restrict e = rows[4];
  const int16_t* __restrict above = image[0], * __restrict own = image[1], * __restrict below = image[2];
  for (int64_t x = 0; x < n; x += kRowBlock) {
    for (int i = 0; i < kRowBlock; ++i) {
      const int64_t at = x + i;
      out[at] = static_cast<int16_t>(
          article_down(a[at], b[at], c[at], d[at], e[at], above[at], own[at + 1], below[at], own[at - 1], own[at]));
    }
  }
}

}  // namespace gpuaug
