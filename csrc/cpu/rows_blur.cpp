// The loops of the stage blur.
#include "common/stages/blur.h"

#include "cpu/row_kernels.h"
#include "host/simd.h"

#if GPUAUG_VERSIONED || defined(__AVX2__)
#include <immintrin.h>
#endif

namespace gpuaug {
namespace {

// Five lines of values; those of further channels follow `line` values later.
struct Five {
  const int16_t* first[5];
  int64_t line;
  const int16_t* of(int k, int c) const { return first[k] + c * line; }
};

// The weighted sums of five lines, at most 255 * 2^22, rounded to 2^shift. A sum is 2^16 times the centre, plus for
// each pair of neighbours a weight times the difference of their sum from two centres. Differences and weights have 16
// bits: x86 multiplies and adds two of each in one instruction, which GCC does not generate from a plain loop.

#if GPUAUG_VERSIONED || defined(__AVX512BW__)
GPUAUG_VERSION("arch=x86-64-v4")
void blur_lines(const Five& from, int channels, BlurWeights weights, int shift, Row to, int64_t n) {
  constexpr __mmask16 kAll = 0xFFFF;  // GCC 12 warns about a shift without a mask
  const __m512i pair = _mm512_set1_epi32(weights.outer | weights.inner << 16);
  const __m512i half = _mm512_set1_epi32(1 << (shift - 1)), zero = _mm512_setzero_si512();
  const __m128i count = _mm_cvtsi32_si128(shift);
  for (int channel = 0; channel < channels; ++channel) {
    const int16_t *a = from.of(0, channel), *b = from.of(1, channel), *c = from.of(2, channel);
    const int16_t *d = from.of(3, channel), *e = from.of(4, channel);
    int16_t* out = to.channel(channel);
    for (int64_t x = 0; x < n; x += 32) {
      const __m512i centre = _mm512_loadu_si512(c + x), twice = _mm512_add_epi16(centre, centre);
      const __m512i outer = _mm512_add_epi16(_mm512_loadu_si512(a + x), _mm512_loadu_si512(e + x));
      const __m512i inner = _mm512_add_epi16(_mm512_loadu_si512(b + x), _mm512_loadu_si512(d + x));
      const __m512i far = _mm512_sub_epi16(outer, twice), near = _mm512_sub_epi16(inner, twice);
      __m512i low = _mm512_add_epi32(_mm512_unpacklo_epi16(zero, centre), half);
      __m512i high = _mm512_add_epi32(_mm512_unpackhi_epi16(zero, centre), half);
      low = _mm512_add_epi32(low, _mm512_madd_epi16(_mm512_unpacklo_epi16(far, near), pair));
      high = _mm512_add_epi32(high, _mm512_madd_epi16(_mm512_unpackhi_epi16(far, near), pair));
      low = _mm512_maskz_sra_epi32(kAll, low, count), high = _mm512_maskz_sra_epi32(kAll, high, count);
      _mm512_storeu_si512(out + x, _mm512_packs_epi32(low, high));
    }
  }
}
#endif

#if GPUAUG_VERSIONED || (defined(__AVX2__) && !defined(__AVX512BW__))
GPUAUG_VERSION("arch=x86-64-v3")
void blur_lines(const Five& from, int channels, BlurWeights weights, int shift, Row to, int64_t n) {
  const __m256i pair = _mm256_set1_epi32(weights.outer | weights.inner << 16);
  const __m256i half = _mm256_set1_epi32(1 << (shift - 1)), zero = _mm256_setzero_si256();
  const __m128i count = _mm_cvtsi32_si128(shift);
  for (int c = 0; c < channels; ++c) {
    int16_t* out = to.channel(c);
    for (int64_t x = 0; x < n; x += 16) {
      __m256i values[5];
      for (int k = 0; k < 5; ++k) {
        values[k] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from.of(k, c) + x));
      }
      const __m256i centre = values[2], twice = _mm256_add_epi16(centre, centre);
      const __m256i far = _mm256_sub_epi16(_mm256_add_epi16(values[0], values[4]), twice);
      const __m256i near = _mm256_sub_epi16(_mm256_add_epi16(values[1], values[3]), twice);
      __m256i low = _mm256_add_epi32(_mm256_unpacklo_epi16(zero, centre), half);
      __m256i high = _mm256_add_epi32(_mm256_unpackhi_epi16(zero, centre), half);
      low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(far, near), pair));
      high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi16(far, near), pair));
      low = _mm256_sra_epi32(low, count), high = _mm256_sra_epi32(high, count);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + x), _mm256_packs_epi32(low, high));
    }
  }
}
#endif

#if GPUAUG_VERSIONED || !defined(__AVX2__)
GPUAUG_VERSION("default")
void blur_lines(const Five& from, int channels, BlurWeights weights, int shift, Row to, int64_t n) {
  const auto outer = static_cast<int16_t>(weights.outer), inner = static_cast<int16_t>(weights.inner);
  const int32_t half = 1 << (shift - 1);
  for (int channel = 0; channel < channels; ++channel) {
    const int16_t* __restrict a = from.of(0, channel), * __restrict b = from.of(1, channel);
    const int16_t* __restrict c = from.of(2, channel), * __restrict d = from.of(3, channel);
    const int16_t* __restrict e = from.of(4, channel);
    int16_t* __restrict out = to.channel(channel);
    for (int64_t x = 0; x < n; x += kRowBlock) {
      for (int i = 0; i < kRowBlock; ++i) {
        const int64_t at = x + i;
        const int16_t twice = sum(c[at], c[at]);
        const int16_t far = difference(sum(a[at], e[at]), twice), near = difference(sum(b[at], d[at]), twice);
        out[at] = static_cast<int16_t>((int32_t{outer} * far + int32_t{inner} * near + c[at] * 65536 + half) >> shift);
      }
    }
  }
}
#endif

}  // namespace

void blur_across(Row row, int channels, BlurWeights weights, Row to, int64_t n) {
  const int16_t* in = row.values;
  blur_lines({{in - 2, in - 1, in, in + 1, in + 2}, row.line}, channels, weights, 10, to, n);
}

void blur_down(const int16_t* const rows[5], BlurWeights weights, int16_t* out, int64_t n) {
  blur_lines({{rows[0], rows[1], rows[2], rows[3], rows[4]}, 0}, 1, weights, 22, {out, 0}, n);
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

GPUAUG_ALL_VECTORS
void sharpen_across_row(Row row, int channels, Row to, int64_t n) {
  for (int c = 0; c < channels; ++c) {
    const int16_t* __restrict in = row.channel(c);
    int16_t* __restrict out = to.channel(c);
    for (int64_t x = 0; x < n; x += kRowBlock) {
      for (int i = 0; i < kRowBlock; ++i) out[x + i] = sum(sum(in[x + i - 1], in[x + i]), in[x + i + 1]);
    }
  }
}

GPUAUG_ALL_VECTORS
void sharpen_down_row(const int16_t* const sums[3], const int16_t* __restrict own, int factor, int16_t* __restrict out,
                      int64_t n) {
  const int16_t* __restrict above = sums[0], * __restrict level = sums[1], * __restrict below = sums[2];
  for (int64_t x = 0; x < n; x += kRowBlock) {
    for (int i = 0; i < kRowBlock; ++i) {
      const int64_t at = x + i;
      // The padding of a line may hold values that are no levels.
      const int nine = (above[at] + level[at] + below[at]) & 0xFFF, centre = own[at] & 0xFF;
      out[at] = static_cast<int16_t>(sharpened(factor, nine, centre));
    }
  }
}

}  // namespace gpuaug
