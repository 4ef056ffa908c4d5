// The loops of the output: from levels to its elements, in its order.
#include <bit>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "cpu/row_kernels.h"
#include "host/simd.h"

namespace gpuaug {
namespace {

// Rounds finite values to the nearest bfloat16, halves to even.
inline uint16_t bfloat(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

template <typename T>
inline void interleave_lines(const T* __restrict lines, int64_t line, int channels, T* __restrict out, int64_t n) {
  if (channels == 3) {  // the usual number, as a constant, so that the loop is vectorized
    const T *a = lines, *b = lines + line, *c = lines + 2 * line;
    for (int64_t x = 0; x < n; ++x) out[3 * x] = a[x], out[3 * x + 1] = b[x], out[3 * x + 2] = c[x];
    return;
  }
  for (int c = 0; c < channels; ++c) {
    for (int64_t x = 0; x < n; ++x) out[x * channels + c] = lines[c * line + x];
  }
}

}  // namespace

// ---- To the output

GPUAUG_ALL_VECTORS
bool is_scale_shift(const uint32_t* __restrict table, double slope, double start) {
  uint32_t differs = 0;
  for (int k = 0; k < 256; ++k) {
    differs |= std::bit_cast<uint32_t>(static_cast<float>(slope * k + start)) ^ table[k];
  }
  return differs == 0;
}

GPUAUG_ALL_VECTORS
void compute_floats(const int16_t* __restrict levels, double slope, double start, float* __restrict out, int64_t n) {
  int64_t x = 0;
  for (; x + kRowBlock <= n; x += kRowBlock) {
    for (int i = 0; i < kRowBlock; ++i) out[x + i] = static_cast<float>(slope * levels[x + i] + start);
  }
  for (; x < n; ++x) out[x] = static_cast<float>(slope * levels[x] + start);
}

GPUAUG_ALL_VECTORS
bool is_scale_shift(const uint16_t* __restrict table, double slope, double start) {
  int differs = 0;
  for (int k = 0; k < 256; ++k) differs |= bfloat(static_cast<float>(slope * k + start)) ^ table[k];
  return differs == 0;
}

GPUAUG_ALL_VECTORS
void compute_bfloats(const int16_t* __restrict levels, double slope, double start, uint16_t* __restrict out,
                     int64_t n) {
  int64_t x = 0;
  for (; x + kRowBlock <= n; x += kRowBlock) {
    for (int i = 0; i < kRowBlock; ++i) out[x + i] = bfloat(static_cast<float>(slope * levels[x + i] + start));
  }
  for (; x < n; ++x) out[x] = bfloat(static_cast<float>(slope * levels[x] + start));
}

#ifdef __SSE2__
GPUAUG_ALL_VECTORS
void stream_floats(const int16_t* __restrict levels, double slope, double start, float* __restrict out, int64_t n) {
  for (int64_t x = 0; x < n; x += kRowBlock) {
    alignas(64) float block[kRowBlock];
    for (int i = 0; i < kRowBlock; ++i) block[i] = static_cast<float>(slope * levels[x + i] + start);
    for (int i = 0; i < kRowBlock; i += 4) _mm_stream_ps(out + x + i, _mm_load_ps(block + i));
  }
}

void finish_streaming() { _mm_sfence(); }
#else
void stream_floats(const int16_t* levels, double slope, double start, float* out, int64_t n) {
  compute_floats(levels, slope, start, out, n);
}

void finish_streaming() {}
#endif

GPUAUG_ALL_VECTORS
void to_bytes(const int16_t* __restrict levels, uint8_t* __restrict out, int64_t n) {
  int64_t x = 0;
  for (; x + kRowBlock <= n; x += kRowBlock) {
    for (int i = 0; i < kRowBlock; ++i) out[x + i] = static_cast<uint8_t>(levels[x + i]);
  }
  for (; x < n; ++x) out[x] = static_cast<uint8_t>(levels[x]);
}

GPUAUG_ALL_VECTORS
void interleave(const uint8_t* lines, int64_t line, int channels, uint8_t* out, int64_t n) {
  interleave_lines(lines, line, channels, out, n);
}

GPUAUG_ALL_VECTORS
void interleave(const uint16_t* lines, int64_t line, int channels, uint16_t* out, int64_t n) {
  interleave_lines(lines, line, channels, out, n);
}

GPUAUG_ALL_VECTORS
void interleave(const uint32_t* lines, int64_t line, int channels, uint32_t* out, int64_t n) {
  interleave_lines(lines, line, channels, out, n);
}

}  // namespace gpuaug
