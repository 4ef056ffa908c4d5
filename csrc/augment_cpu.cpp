// The CPU kernel: a draw is resampled plane by plane into a byte image, blurred, and written out row by row.
#include <algorithm>
#include <vector>

#include "augment.h"
#include "random.h"
#include "stages.h"

namespace gpuaug {
namespace {

// One thread's buffers, grown once and kept for the draws that follow. Byte images are planar: (channels, height,
// width).
struct Scratch {
  std::vector<int64_t> first, second;   // of each output column: the bytes of its two source pixels, within a row
  std::vector<int> weight;              // of the second
  std::vector<int16_t> upper, lower;    // two source rows, blended across
  std::vector<uint8_t> image, blurred;  // after geometry, after blur
  std::vector<int16_t> across;          // rows blended across by the blur: (height, width) of one channel
  std::vector<uint8_t> keep, salt;      // noise of one row: value = (value & keep) | salt

  explicit Scratch(const Batch& batch) {
    const auto columns = static_cast<size_t>(batch.width);
    for (auto* v : {&first, &second}) v->resize(columns);
    weight.resize(columns);
    for (auto* v : {&upper, &lower}) v->resize(columns);
    for (auto* v : {&keep, &salt}) v->resize(columns);
    image.resize(static_cast<size_t>(out_per_draw(batch)));
  }
};

class Draw {
 public:
  Draw(const Batch& batch, int64_t n, Scratch& scratch)
      : batch_(batch),
        recipe_(batch.recipes[n]),
        scratch_(scratch),
        source_(batch.storage + recipe_.offset),
        strides_(source_strides(batch, recipe_)),
        window_(readable_window(recipe_)),
        n_(n) {}

  template <typename T>
  void run() {
    for (int c = 0; c < batch_.channels; ++c) {
      if (!(recipe_.stages & kGeometry)) {
        copy(c);
      } else if (recipe_.xy == 0 && recipe_.yx == 0) {
        resample_rows(c);
      } else {
        resample_pixels(c);
      }
    }
    const uint8_t* image = scratch_.image.data();
    if (recipe_.stages & kBlur) {
      blur();
      image = scratch_.blurred.data();
    }
    write<T>(image);
  }

 private:
  int64_t plane() const { return batch_.height * batch_.width; }
  uint8_t* image_row(int c, int64_t y) const { return scratch_.image.data() + c * plane() + y * batch_.width; }

  void copy(int c) const {
    for (int64_t y = 0; y < batch_.height; ++y) {
      const uint8_t* from = source_ + c * strides_.channel + std::min(y, recipe_.height - 1) * strides_.row;
      uint8_t* to = image_row(c, y);
      for (int64_t x = 0; x < batch_.width; ++x) to[x] = from[std::min(x, recipe_.width - 1) * strides_.column];
    }
  }

  // ---- Geometry along the axes: columns are planned once, source rows are blended across once and kept while they
  // serve.

  void plan_columns() const {
    for (int64_t x = 0; x < batch_.width; ++x) {
      const Tap t = tap(source_coordinate(recipe_.xx, x, 0, 0, recipe_.x1));
      const int64_t a = resolve(t.index, window_.left, window_.right, recipe_.border);
      const int64_t b = resolve(t.index + 1, window_.left, window_.right, recipe_.border);
      scratch_.first[x] = a < 0 ? -1 : a * strides_.column;
      scratch_.second[x] = b < 0 ? -1 : b * strides_.column;
      scratch_.weight[x] = t.weight;
    }
  }

  void row_across(int c, int64_t y, std::vector<int16_t>& out) const {
    if (y < 0) {
      std::fill(out.begin(), out.end(), int16_t{0});
      return;
    }
    const uint8_t* row = source_ + c * strides_.channel + y * strides_.row;
    for (int64_t x = 0; x < batch_.width; ++x) {
      const int64_t a = scratch_.first[x], b = scratch_.second[x];
      out[x] = static_cast<int16_t>(blend(a < 0 ? 0 : fine(row[a]), b < 0 ? 0 : fine(row[b]), scratch_.weight[x]));
    }
  }

  void resample_rows(int c) const {
    constexpr int64_t kNone = -2;  // -1 is the row of zeros
    int64_t upper = kNone, lower = kNone;
    if (c == 0) plan_columns();
    for (int64_t y = 0; y < batch_.height; ++y) {
      const Tap t = tap(source_coordinate(0, 0, recipe_.yy, y, recipe_.y1));
      const int64_t a = resolve(t.index, window_.top, window_.bottom, recipe_.border);
      const int64_t b = resolve(t.index + 1, window_.top, window_.bottom, recipe_.border);
      if (a != upper && (a == lower || b == upper)) {
        std::swap(scratch_.upper, scratch_.lower);
        std::swap(upper, lower);
      }
      if (a != upper) row_across(c, upper = a, scratch_.upper);
      if (b != lower) row_across(c, lower = b, scratch_.lower);
      uint8_t* out = image_row(c, y);
      const int16_t *first = scratch_.upper.data(), *second = scratch_.lower.data();
      for (int64_t x = 0; x < batch_.width; ++x)
        out[x] = static_cast<uint8_t>(level(blend(first[x], second[x], t.weight)));
    }
  }

  // ---- Geometry in general: every pixel finds its own four.

  int source_pixel(int c, int64_t x, int64_t y) const {
    return x < 0 || y < 0 ? 0 : fine(source_[c * strides_.channel + y * strides_.row + x * strides_.column]);
  }

  void resample_pixels(int c) const {
    for (int64_t y = 0; y < batch_.height; ++y) {
      uint8_t* out = image_row(c, y);
      for (int64_t x = 0; x < batch_.width; ++x) {
        const Tap tx = tap(source_coordinate(recipe_.xx, x, recipe_.xy, y, recipe_.x1));
        const Tap ty = tap(source_coordinate(recipe_.yx, x, recipe_.yy, y, recipe_.y1));
        const int64_t x0 = resolve(tx.index, window_.left, window_.right, recipe_.border);
        const int64_t x1 = resolve(tx.index + 1, window_.left, window_.right, recipe_.border);
        const int64_t y0 = resolve(ty.index, window_.top, window_.bottom, recipe_.border);
        const int64_t y1 = resolve(ty.index + 1, window_.top, window_.bottom, recipe_.border);
        const int upper = blend(source_pixel(c, x0, y0), source_pixel(c, x1, y0), tx.weight);
        const int lower = blend(source_pixel(c, x0, y1), source_pixel(c, x1, y1), tx.weight);
        out[x] = static_cast<uint8_t>(level(blend(upper, lower, ty.weight)));
      }
    }
  }

  // ---- Blur: across into `across`, down into `blurred`. The two columns and rows at each edge follow the border.

  template <typename Pixel>
  static int at(const Pixel* line, int64_t i, int64_t size, int64_t step, int64_t border) {
    const int64_t k = resolve(i, 0, size, border);
    return k < 0 ? 0 : line[k * step];
  }

  template <typename Across>
  void blur_row_across(const uint8_t* in, int16_t* out, Across across) const {
    const int64_t width = batch_.width, border = blur_border(recipe_);
    const auto edge = [&](int64_t x) {
      out[x] = static_cast<int16_t>(across(at(in, x - 2, width, 1, border), at(in, x - 1, width, 1, border), in[x],
                                           at(in, x + 1, width, 1, border), at(in, x + 2, width, 1, border)));
    };
    const int64_t begin = std::min<int64_t>(2, width), end = std::max(begin, width - 2);
    for (int64_t x = 0; x < begin; ++x) edge(x);
    for (int64_t x = begin; x < end; ++x) {
      out[x] = static_cast<int16_t>(across(in[x - 2], in[x - 1], in[x], in[x + 1], in[x + 2]));
    }
    for (int64_t x = end; x < width; ++x) edge(x);
  }

  void blur() const {
    scratch_.blurred.resize(scratch_.image.size());
    scratch_.across.resize(static_cast<size_t>(plane() + batch_.width));  // the last row stays zero: the zero border's
    for (int c = 0; c < batch_.channels; ++c) {
      for (int64_t y = 0; y < batch_.height; ++y) {
        int16_t* across = scratch_.across.data() + y * batch_.width;
        if (recipe_.blur == kArticle) {
          blur_row_across(image_row(c, y), across, article_across);
        } else {
          const Recipe recipe = recipe_;
          blur_row_across(image_row(c, y), across, [recipe](int l2, int l1, int m, int r1, int r2) {
            return gpuaug::blur(recipe, fine(l2), fine(l1), fine(m), fine(r1), fine(r2));
          });
        }
      }
      std::fill_n(scratch_.across.data() + plane(), batch_.width, int16_t{0});
      for (int64_t y = 0; y < batch_.height; ++y) blur_row_down(c, y);
    }
  }

  void blur_row_down(int c, int64_t y) const {
    const int64_t width = batch_.width, height = batch_.height, border = blur_border(recipe_);
    const int16_t* rows[5];
    for (int k = 0; k < 5; ++k) {
      const int64_t row = resolve(y + k - 2, 0, height, border);
      rows[k] = scratch_.across.data() + (row < 0 ? plane() : row * width);
    }
    uint8_t* out = scratch_.blurred.data() + c * plane() + y * width;
    if (recipe_.blur != kArticle) {
      const Recipe recipe = recipe_;
      for (int64_t x = 0; x < width; ++x) {
        out[x] = static_cast<uint8_t>(
            level(gpuaug::blur(recipe, rows[0][x], rows[1][x], rows[2][x], rows[3][x], rows[4][x])));
      }
      return;
    }
    const uint8_t* in = image_row(c, y);
    const uint8_t* column = image_row(c, 0);
    for (int64_t x = 0; x < width; ++x) {
      out[x] = static_cast<uint8_t>(
          article_down(rows[0][x], rows[1][x], rows[2][x], rows[3][x], rows[4][x],
                       at(column + x, y - 1, height, width, kZero), at(in, x + 1, width, 1, kZero),
                       at(column + x, y + 1, height, width, kZero), at(in, x - 1, width, 1, kZero), in[x]));
    }
  }

  // ---- Noise and output.

  void plan_noise(int64_t y) const {
    Block block{};
    int64_t current = -1;
    for (int64_t x = 0; x < batch_.width; ++x) {
      const int64_t pixel = y * batch_.width + x;
      if (pixel / kPixelsPerBlock != current) {
        current = pixel / kPixelsPerBlock;
        block = pixel_block(static_cast<uint64_t>(recipe_.key), recipe_.place, current);
      }
      const int bits = pixel_bits(block, static_cast<int>(pixel % kPixelsPerBlock));
      scratch_.keep[x] =
          static_cast<uint8_t>(salt_and_pepper(recipe_, bits, 255) == salt_and_pepper(recipe_, bits, 0) ? 0 : 255);
      scratch_.salt[x] = static_cast<uint8_t>(salt_and_pepper(recipe_, bits, 0));
    }
  }

  template <typename T>
  void write(const uint8_t* image) const {
    const Strides strides = out_strides(batch_);
    const bool noise = recipe_.stages & kNoise;
    T* const out = static_cast<T*>(batch_.out) + n_ * out_per_draw(batch_);
    for (int64_t y = 0; y < batch_.height; ++y) {
      if (noise) plan_noise(y);
      for (int c = 0; c < batch_.channels; ++c) {
        const uint8_t* in = image + c * plane() + y * batch_.width;
        T* to = out + c * strides.channel + y * strides.row;
        const T* table =
            batch_.table ? static_cast<const T*>(batch_.table) + n_ * batch_.table_per_draw + c * 256 : nullptr;
        for (int64_t x = 0; x < batch_.width; ++x) {
          const uint8_t value = noise ? (in[x] & scratch_.keep[x]) | scratch_.salt[x] : in[x];
          to[x * strides.column] = table ? table[value] : static_cast<T>(value);
        }
      }
    }
  }

  const Batch& batch_;
  const Recipe& recipe_;
  Scratch& scratch_;
  const uint8_t* source_;
  Strides strides_;
  Window window_;
  int64_t n_;
};

template <typename T>
void run(const Batch& batch) {
  torch::stable::parallel_for(0, batch.draws, 1, [&](int64_t begin, int64_t end) {
    Scratch scratch(batch);
    for (int64_t n = begin; n < end; ++n) Draw(batch, n, scratch).run<T>();
  });
}

}  // namespace

Tensor augment_cpu(const Tensor& storage, const Tensor& records, const std::optional<Tensor>& table, int64_t channels,
                   int64_t height, int64_t width, bool interleaved, int64_t /*stages: each draw's own serve here*/,
                   bool channels_last) {
  auto call = prepare(storage, records, table, channels, height, width, interleaved, channels_last);
  const Batch& batch = call.batch;
  for (int64_t n = 0; n < batch.draws; ++n) {
    STD_TORCH_CHECK(readable(batch, batch.recipes[n]), "recipes: draw ", n, " reads outside the images: offset ",
                    batch.recipes[n].offset, ", size ", batch.recipes[n].height, " x ", batch.recipes[n].width, " in ",
                    batch.storage_bytes, " bytes");
  }
  switch (call.element_size) {  // the tables hold finished values, so only their size matters
    case 1:
      run<uint8_t>(batch);
      break;
    case 2:
      run<uint16_t>(batch);
      break;
    default:
      run<uint32_t>(batch);
  }
  return call.out;
}

}  // namespace gpuaug

STABLE_TORCH_LIBRARY_IMPL(gpuaug, CPU, library) { library.impl("augment", TORCH_BOX(&gpuaug::augment_cpu)); }
