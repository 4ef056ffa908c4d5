// The CPU's inner loops: whole rows of 16-bit values, one fact of common/stages to a loop. Each is compiled for several
// generations of vectors, and the machine's widest is taken when the library is loaded.
#pragma once

#include <cstdint>

namespace gpuaug {

// A row of one image is a line for each channel. Lines are padded to whole blocks, and the loops make whole blocks, so
// that none has a remainder.
constexpr int kRowBlock = 32;  // values of 16 bits in the widest vector

inline int64_t padded(int64_t width) { return (width + kRowBlock - 1) / kRowBlock * kRowBlock; }

// Where the lines of a row lie: `line` values apart.
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

// One channel after the other, from channels side by side.
void deinterleave(const uint8_t* row, int channels, int64_t width, uint8_t* out, int64_t line);

// Sixteen columns at a time read their pixels out of sixteen neighbouring bytes: one byte shuffle.
constexpr int kGroup = 16;

struct Group {
  int32_t begin;
  uint8_t places[kGroup];
};

// Blends each column's two pixels; weights of the second in 1/2^15. To 1/128 of a level. A column may be negative: then
// it reads its channel's level of `outside`.
void blend_groups(SourceRow from, int channels, const Group* first, const Group* second, const int16_t* weights,
                  Row out, int64_t n);
void blend_columns(SourceRow from, int channels, const int32_t* first, const int32_t* second, const int16_t* weights,
                   const uint8_t* outside, Row out, int64_t n);
// Each column's filter: `quads` times four pixels from `starts` on, weighted in 1/2^14; the weights of the columns
// stand side by side, n for each pixel of a filter. To 1/128.
void filter_columns(SourceRow from, int channels, const int32_t* starts, int64_t quads, const int16_t* weights, Row out,
                    int64_t n);

// Columns that lie on a source pixel: as levels, or in 1/128.
void take_groups(SourceRow from, int channels, const Group* first, Row out, bool fine, int64_t n);

// The bytes as they are; `own` of them, then the last one again.
void take_bytes(SourceRow from, int channels, int64_t own, Row out, int64_t n);

// ---- Under any map: every pixel lies between four of its own

// How far the pixels of a block are from its first one, in 32.32, in halves.
struct WarpSteps {
  uint32_t x_low[kRowBlock], x_high[kRowBlock], y_low[kRowBlock], y_high[kRowBlock];
};

// A row's first pixel: its coordinates in 32.32, with what rounds them; from there the way to the next one; and the
// bits of a weight in 1/2^15 that count.
struct WarpRow {
  int64_t x, y, x_step, y_step;
  uint32_t weights;
  const WarpSteps* steps;
};

// Where the first of four pixels may lie: columns and rows from the first to the last one, and the steps between them;
// what lies beyond reads there.
struct Reach {
  int32_t left, top, right, bottom;
  int32_t column, row;
};

// Two channels to a word, the first in its low byte; the words of a pixel side by side.
constexpr int packed_words(int channels) { return channels > 2 ? 2 : 1; }
void pack_pixels(SourceRow from, int channels, uint16_t* out, int64_t n);

// From pixels packed like that, or from the source's bytes; the first of them is the reach's. To levels.
void blend_packed(const uint16_t* pixels, const Reach& reach, const WarpRow& row, int channels, Row out, int64_t n);
void blend_unpacked(const uint8_t* source, int64_t channel_step, const Reach& reach, const WarpRow& row, int channels,
                    Row out, int64_t begin, int64_t end);

// ---- Between rows of 1/128, to levels

void blend_down(Row upper, Row lower, int channels, int16_t weight, Row out, int64_t n);
void add_rows(const int16_t* first, const int16_t* second, int16_t first_weight, int16_t second_weight, int32_t* sums,
              int64_t n);
void filtered_levels(const int32_t* sums, int channels, Row out, int64_t n);

// ---- Blur. Two values before and after every line of `row` are there.

struct BlurWeights;
// Of levels, to 1/64.
void blur_across(Row row, int channels, BlurWeights weights, Row out, int64_t n);
// Five rows of 1/64, the middle one the output's own. To levels.
void blur_down(const int16_t* const rows[5], BlurWeights weights, int16_t* out, int64_t n);

// The article's, of levels; `image` holds the three rows around the output's, before they went across.
void article_across_row(Row row, int channels, Row out, int64_t n);
void article_down_row(const int16_t* const rows[5], const int16_t* const image[3], int16_t* out, int64_t n);

// Sharpening, of levels: the sum of three in a row, then of three such rows, around the row `own`.
void sharpen_across_row(Row row, int channels, Row out, int64_t n);
void sharpen_down_row(const int16_t* const sums[3], const int16_t* own, int factor, int16_t* out, int64_t n);

// ---- Color, on levels of all channels, in place

struct ColorStage;
void color_levels(const ColorStage& stage, Row levels, int channels, int64_t n);

// ---- Curves: the table of a draw's curves, or one for each colored channel, from their histograms; and levels by a
// table, in place

struct Recipe;
struct TableMemory;
void curve_table(const int64_t* words, int count, uint8_t* table);
void measured_curve_tables(const Recipe& recipe, int channels, const uint32_t* histograms, TableMemory& memory,
                           uint8_t* tables);
void look_up_levels(const uint8_t* table, int16_t* levels, int64_t n);

// ---- Statistics

// How many of the levels are at each of 256: the sum of so many histograms, one after another.
constexpr int kCountParts = 4;
void count_levels(const int16_t* levels, int64_t n, uint32_t* parts);
// The least and the greatest, of them and of what is there; their sum.
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

// On levels of all channels, from the 16 bits of each pixel.
struct ImpulseStage;
void salt_and_pepper_row(const uint16_t* bits, const ImpulseStage& stage, Row levels, int channels, int64_t n);

// ---- Between images

// Their sum, each with its share in 1/kMixUnit, rounded to 1/128, and then rounded; the shares add up to a few steps
// more than one at most, so that 16 bits hold it.
constexpr int kMixUnit = 1 << 15;
void mix_levels(const uint8_t* const* images, const int16_t* shares, int count, uint8_t* out, int64_t n);

// ---- To the output

// slope * level + start, computed in float64 and rounded once; true for a `table` that this gives to the bit.
bool is_scale_shift(const uint32_t* table, double slope, double start);
void compute_floats(const int16_t* levels, double slope, double start, float* out, int64_t n);
// The same, rounded on to bfloat16.
bool is_scale_shift(const uint16_t* table, double slope, double start);
void compute_bfloats(const int16_t* levels, double slope, double start, uint16_t* out, int64_t n);
// The same past the caches, which an output larger than they are would only empty. `out` must be aligned to 64 bytes
// and `n` be whole blocks; the thread calls finish_streaming() before it tells others that it is done.
void stream_floats(const int16_t* levels, double slope, double start, float* out, int64_t n);
void finish_streaming();
void to_bytes(const int16_t* levels, uint8_t* out, int64_t n);
// Channels side by side, from lines that are `line` elements apart; n pixels.
void interleave(const uint8_t* lines, int64_t line, int channels, uint8_t* out, int64_t n);
void interleave(const uint16_t* lines, int64_t line, int channels, uint16_t* out, int64_t n);
void interleave(const uint32_t* lines, int64_t line, int channels, uint32_t* out, int64_t n);

}  // namespace gpuaug
