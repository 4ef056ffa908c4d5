// The op `augment` on the CPU: the batch's rows shared out to the threads, in the widest vectors that the machine has.
#ifdef __linux__
#include <sys/mman.h>
#endif

#include <algorithm>
#include <cstdint>

#include "augment.h"
#include "painter.h"

namespace gpuaug {
namespace {

// A unit of work is a strip of one draw's rows; a large batch has one strip a draw, a small one enough for all threads.
struct Strips {
  int64_t per_draw, rows;
};

Strips strips_of(const Batch& batch) {
  constexpr int64_t kFewestRows = 16;  // below that the rows that neighbouring strips both make weigh too much
  const int64_t wanted = 2 * static_cast<int64_t>(torch::stable::get_num_threads());
  const int64_t most = std::max<int64_t>(1, batch.height / kFewestRows);
  const int64_t per_draw = std::clamp<int64_t>((wanted + batch.draws - 1) / batch.draws, 1, most);
  return {per_draw, (batch.height + per_draw - 1) / per_draw};
}

template <typename Value>
inline void paint_strips(const Batch& batch, const Strips& strips, int64_t begin, int64_t end) {
  Scratch scratch(batch);
  for (int64_t unit = begin; unit < end; ++unit) {
    const int64_t top = unit % strips.per_draw * strips.rows;
    Painter(batch, unit / strips.per_draw, scratch).paint<Value>(top, std::min(top + strips.rows, batch.height));
  }
}

// The same code for each generation of vectors; `flatten` brings all of it into the function that names one.
template <typename Value>
using Paint = void (*)(const Batch&, const Strips&, int64_t, int64_t);

#if defined(__x86_64__) && defined(__GNUC__)
template <typename Value>
__attribute__((target("arch=x86-64-v4"), flatten)) void paint_v4(const Batch& b, const Strips& s, int64_t i,
                                                                 int64_t j) {
  paint_strips<Value>(b, s, i, j);
}

template <typename Value>
__attribute__((target("arch=x86-64-v3"), flatten)) void paint_v3(const Batch& b, const Strips& s, int64_t i,
                                                                 int64_t j) {
  paint_strips<Value>(b, s, i, j);
}

template <typename Value>
Paint<Value> widest() {
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    return paint_v4<Value>;
  }
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") ? paint_v3<Value> : paint_strips<Value>;
}
#else
template <typename Value>
Paint<Value> widest() {
  return paint_strips<Value>;
}
#endif

// Fresh memory costs more than all stages together where it comes in pages of 4 KiB: ask for those of 2 MiB.
void use_large_pages([[maybe_unused]] void* memory, [[maybe_unused]] size_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr uintptr_t kPage = uintptr_t{1} << 21;
  const auto begin = (reinterpret_cast<uintptr_t>(memory) + kPage - 1) / kPage * kPage;
  const auto end = (reinterpret_cast<uintptr_t>(memory) + bytes) / kPage * kPage;
  if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // a wish: may fail
#endif
}

template <typename Value>
void run(const Batch& batch) {
  if (batch.draws == 0) return;
  static const Paint<Value> paint = widest<Value>();
  const Strips strips = strips_of(batch);
  torch::stable::parallel_for(0, batch.draws * strips.per_draw, 1,
                              [&](int64_t begin, int64_t end) { paint(batch, strips, begin, end); });
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
  use_large_pages(batch.out, static_cast<size_t>(call.out.numel() * call.element_size));
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
