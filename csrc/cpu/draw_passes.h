// Takes whole draws through all of their passes, one draw after another. Results of passes stay in the cache, and a
// draw skips passes that do not change it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/batch.h"
#include "common/stages/curves.h"
#include "common/stages/pointwise.h"
#include "cpu/output_row.h"
#include "cpu/resample_axis.h"
#include "cpu/row_pipeline.h"
#include "cpu/scratch.h"
#include "cpu/statistics.h"

namespace gpuaug {

// Counts the levels of rows, and keeps the rows for the pass that paints them.
class CountedRow {
 public:
  CountedRow(OutputRow<uint8_t>& kept, CountingRow& counting) : kept_(kept), counting_(counting) {}

  void write(int64_t y, Row levels) {
    kept_.write(y, levels);
    counting_.write(y, levels);
  }

 private:
  OutputRow<uint8_t>& kept_;
  CountingRow& counting_;
};

// The passes of one thread.
template <typename Value>
class DrawPasses {
 public:
  // One batch for each pass: the first has the storage, the last the output. A draw reads its result of the pass
  // before.
  explicit DrawPasses(const std::vector<Batch>& passes) : passes_(passes), output_(passes.back()) {
    for (const Batch& batch : passes) scratch_.emplace_back(batch);
  }

  void run(int64_t n) {
    output_.begin(n);
    const Batch& first = passes_.front();
    Images from{first.storage, first.storage_bytes, first.interleaved, first.recipes[n].offset};
    size_t last = passes_.size() - 1;
    while (last > 0 && !changes(last, n)) --last;
    for (size_t k = 0; k <= last; ++k) {
      if (k < last && !changes(k, n)) continue;
      Recipe recipe = passes_[k].recipes[n];
      if (is_measured(recipe)) measure(k, recipe, from);
      if (k == last) {
        paint(k, recipe, from, output_);
      } else {
        from = keep(k, recipe, from);
      }
    }
  }

  // To be called before the thread ends.
  void end() const { output_.end(); }

 private:
  // The place of a draw's image.
  struct Images {
    const uint8_t* storage;
    int64_t bytes;
    bool interleaved;
    int64_t offset;
  };

  bool changes(size_t k, int64_t n) const {
    const Recipe& recipe = passes_[k].recipes[n];
    return recipe.stages != 0 || recipe.height != passes_[k].height || recipe.width != passes_[k].width;
  }

  static Batch of_one(const Batch& pass, Recipe& recipe, const Images& from) {
    recipe.offset = from.offset;
    Batch one = pass;
    one.storage = from.storage, one.storage_bytes = from.bytes, one.interleaved = from.interleaved;
    one.recipes = &recipe, one.draws = 1;
    return one;
  }

  template <typename Output>
  void paint(size_t k, Recipe& recipe, const Images& from, Output& output) {
    const Batch one = of_one(passes_[k], recipe, from);
    RowPipeline(one, 0, scratch_[k], across_).run(0, one.height, output);
  }

  // Runs a pass to bytes.
  Images keep(size_t k, Recipe& recipe, const Images& from) {
    Images kept;
    const Batch bytes = bytes_of(passes_[k], from, kept);  // the rows hold a reference to it
    OutputRow<uint8_t> rows(bytes);
    rows.begin(0);
    paint(k, recipe, from, rows);
    return kept;
  }

  // Makes the tables of a draw's curves. If there are stages before the curves, their result is kept, and the rest of
  // the recipe reads it, so that they run only once.
  void measure(size_t k, Recipe& recipe, Images& from) {
    constexpr int64_t kBefore = StagePlace<CurvesStage>::kBitsBefore, kAfter = PointwiseStages::kBits & ~kBefore;
    const Batch one = of_one(passes_[k], recipe, from);
    histograms_.assign(static_cast<size_t>(histogram_entries(one)), 0);
    if (changes_before_curves(one, recipe)) {
      Images kept;
      const Batch bytes = bytes_of(passes_[k], from, kept);
      OutputRow<uint8_t> rows(bytes);
      rows.begin(0);
      CountingRow counting(one, recipe);
      CountedRow both(rows, counting);
      RowPipeline(one, 0, scratch_[k], across_, kBefore).run(0, one.height, both);
      counting.add_to(histograms_.data());
      from = kept;
      recipe.stages &= kAfter | kStatistics;
      recipe.height = one.height, recipe.width = one.width;
    } else {
      count_rows(one, 0, scratch_[k], across_, 0, one.height, histograms_.data());
    }
    scratch_[k].make_curve_tables(recipe, colored(one.channels), histograms_.data());
  }

  static bool changes_before_curves(const Batch& one, const Recipe& recipe) {
    constexpr int64_t kAfter = PointwiseStages::kBits & ~StagePlace<CurvesStage>::kBitsBefore;
    return (recipe.stages & ~(kAfter | kStatistics)) != 0 || recipe.height != one.height || recipe.width != one.width;
  }

  // A batch of one draw, whose output is a buffer other than that of `from`; `kept` are the images in it.
  Batch bytes_of(const Batch& pass, const Images& from, Images& kept) {
    const int64_t size = out_per_draw(pass);
    std::vector<uint8_t>& buffer = buffers_[from.storage == buffers_[0].data() ? 1 : 0];
    if (buffer.size() < static_cast<size_t>(size)) buffer.resize(static_cast<size_t>(size));
    kept = {buffer.data(), size, false, 0};
    Batch bytes = pass;
    bytes.table = nullptr, bytes.scale_shift = nullptr, bytes.table_per_draw = 0;
    bytes.out = buffer.data(), bytes.channels_last = false, bytes.draws = 1;
    return bytes;
  }

  const std::vector<Batch>& passes_;
  OutputRow<Value> output_;
  std::vector<Scratch> scratch_;
  AxisResampler across_;
  std::vector<uint8_t> buffers_[2];
  std::vector<uint32_t> histograms_;
};

}  // namespace gpuaug
