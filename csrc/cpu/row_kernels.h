// The CPU's inner loops over whole rows of 16-bit values, with the arithmetic of common/stages. Each is compiled for
// several generations of vectors; the machine's widest is chosen when the library is loaded.
#pragma once

#include <cstdint>

namespace gpuaug {

// A row of an image is a line for each channel. Lines are padded to whole blocks, and loops process whole blocks, so
// that there is no remainder.
constexpr int kRowBlock = 32;  // values of 16 bits in the widest vector

inline int64_t padded(int64_t width) { return (width + kRowBlock - 1) / kRowBlock * kRowBlock; }

// The lines of a row, `line` values apart.
struct Row {
  int16_t* values;
  int64_t line;
  int16_t* channel(int c) const { return values + c * line; }
};

// ---- From the source's bytes

// The channels of a source row, `line` bytes apart.
struct SourceRow {
  const uint8_t* bytes;
  int64_t line;
};

// Separates interleaved channels.
void deinterleave(const uint8_t* row, int channels, int64_t width, uint8_t* out, int64_t line);

// Sixteen columns at a time take their pixels from sixteen neighbouring bytes, by one byte shuffle.
constexpr int kGroup = 16;

struct Group {
  int32_t begin;
  uint8_t places[kGroup];
};

// Blends the two pixels of each column, with weights of the second in 1/2^15, to 1/128 of a level. A negative column
// takes its channel's level of `outside`.
void blend_groups(SourceRow from, int channels, const Group* first, const Group* second, const int16_t* weights,
                  Row out, int64_t n);
void blend_columns(SourceRow from, int channels, const int32_t* first, const int32_t* second, const int16_t* weights,
                   const uint8_t* outside, Row out, int64_t n);
// Applies each column's filter to `quads` times four pixels from `starts` on, with weights in 1/2^14; the weights of
// all n columns for a filter's pixel are adjacent. To 1/128.
void filter_columns(SourceRow from, int channels, const int32_t* starts, int64_t quads, const int16_t* weights, Row out,
                    int64_t n);

// Columns that are on a source pixel, as levels or in 1/128.
void take_groups(SourceRow from, int channels, const Group* first, Row out, bool fine, int64_t n);

// The first `own` bytes as they are, then the last one repeated.
void take_bytes(SourceRow from, int channels, int64_t own, Row out, int64_t n);

// ---- For any map: every pixel is blended from four source pixels

// The offsets of a block's pixels from its first one, in 32.32, as two halves.
struct WarpSteps {
  uint32_t x_low[kRowBlock], x_high[kRowBlock], y_low[kRowBlock], y_high[kRowBlock];
};

// The first pixel of a row: its coordinates in 32.32, with the rounding added; the step to the next pixel; and the mask
// of a weight's bits in 1/2^15.
struct WarpRow {
  int64_t x, y, x_step, y_step;
  uint32_t weights;
  const WarpSteps* steps;
};

// The range of the first of four pixels: the first and last columns and rows, and the steps between them. Pixels
// outside are clamped to the range.
struct Reach {
  int32_t left, top, right, bottom;
  int32_t column, row;
};

// Packs two channels into a word, the first in its low byte; the words of a pixel are adjacent.
constexpr int packed_words(int channels) { return channels > 2 ? 2 : 1; }
void pack_pixels(SourceRow from, int channels, uint16_t* out, int64_t n);

// Resamples packed pixels, or the bytes of the source, to levels; the data begin at the first pixel of the reach.
void blend_packed(const uint16_t* pixels, const Reach& reach, const WarpRow& row, int channels, Row out, int64_t n);
void blend_unpacked(const uint8_t* source, int64_t channel_step, const Reach& reach, const WarpRow& row, int channels,
                    Row out, int64_t begin, int64_t end);

// ---- Blends of rows in 1/128, to levels

void blend_down(Row upper, Row lower, int channels, int16_t weight, Row out, int64_t n);
void add_rows(const int16_t* first, const int16_t* second, int16_t first_weight, int16_t second_weight, int32_t* sums,
              int64_t n);
void filtered_levels(const int32_t* sums, int channels, Row out, int64_t n);

// ---- Blur. Every line of `row` has two more values before and after it.

struct BlurWeights;
// Blurs levels across, to 1/64.
void blur_across(Row row, int channels, BlurWeights weights, Row out, int64_t n);
// Blurs five rows in 1/64 down, to levels; the middle one is at the output's row.
void blur_down(const int16_t* const rows[5], BlurWeights weights, int16_t* out, int64_t n);

// The article's kernel, on levels; `image` holds the three rows around the output's, before they were blurred across.
void article_across_row(Row row, int channels, Row out, int64_t n);
void article_down_row(const int16_t* const rows[5], const int16_t* const image[3], int16_t* out, int64_t n);

// Sharpening, on levels: sums of three in a row, then of three such rows, around the row `own`.
void sharpen_across_row(Row row, int channels, Row out, int64_t n);
void sharpen_down_row(const int16_t* const sums[3], const int16_t* own, int factor, int16_t* out, int64_t n);

// ---- Color, on levels of all channels, in place

struct ColorStage;
void color_levels(const ColorStage& stage, Row levels, int channels, int64_t n);

// ---- Curves: makes the table of a draw's curves, or one for each color channel from the histograms; and maps levels
// by a table, in place

struct Recipe;
struct TableMemory;
void curve_table(const int64_t* words, int count, uint8_t* table);
void measured_curve_tables(const Recipe& recipe, int channels, const uint32_t* histograms, TableMemory& memory,
                           uint8_t* tables);
void look_up_levels(const uint8_t* table, int16_t* levels, int64_t n);

// ---- Statistics

// The histogram of levels, as the sum of several histograms, one after another.
constexpr int kCountParts = 4;
void count_levels(const int16_t* levels, int64_t n, uint32_t* parts);
// The least and the greatest of the levels and of the given ends; and the sum of the levels.
void find_ends(const int16_t* levels, int64_t n, int16_t& low, int16_t& high);
int64_t sum_of_levels(const int16_t* levels, int64_t n);

// ---- Noise, on levels of one channel, in place

struct NoiseScale;
void add_normal(const uint16_t* bits, const NoiseScale& scale, int16_t* levels, int64_t n);
void multiply_levels(const uint16_t* bits, const NoiseScale& scale, int16_t* levels, int64_t n);

// ---- Impulse noise

// The bits of 256 consecutive pixels of a draw.
constexpr int kPhiloxBlocks = 32;
void pixel_bits_at(uint64_t key, int64_t place, int channel, int64_t first_block, uint16_t* bits);

// Replaces levels of all channels, by the 16 bits of each pixel.
struct ImpulseStage;
void salt_and_pepper_row(const uint16_t* bits, const ImpulseStage& stage, Row levels, int channels, int64_t n);

// ---- Between images

// The weighted sum of images: each product with a share in 1/kMixUnit is rounded to 1/128, then the sum is rounded. The
// shares add up to at most a few steps more than 1, so that 16 bits hold the sum.
constexpr int kMixUnit = 1 << 15;
void mix_levels(const uint8_t* const* images, const int16_t* shares, int count, uint8_t* out, int64_t n);

// ---- To the output

// slope * level + start, computed in float64 and rounded once; true if this equals the `table` to the bit.
bool is_scale_shift(const uint32_t* table, double slope, double start);
void compute_floats(const int16_t* levels, double slope, double start, float* out, int64_t n);
// The same, rounded once more, to bfloat16.
bool is_scale_shift(const uint16_t* table, double slope, double start);
void compute_bfloats(const int16_t* levels, double slope, double start, uint16_t* out, int64_t n);
// The same, written past the caches, which a larger output would only empty. `out` must be aligned to 64 bytes and `n`
// a multiple of the block; the thread must call finish_streaming() before it signals that it is done.
void stream_floats(const int16_t* levels, double slope, double start, float* out, int64_t n);
void finish_streaming();
void to_bytes(const int16_t* levels, uint8_t* out, int64_t n);
// Interleaves the channels of n pixels, from lines that are `line` elements apart.
void interleave(const uint8_t* lines, int64_t line, int channels, uint8_t* out, int64_t n);
void interleave(const uint16_t* lines, int64_t line, int channels, uint16_t* out, int64_t n);
void interleave(const uint32_t* lines, int64_t line, int channels, uint32_t* out, int64_t n);

}  // namespace gpuaug
