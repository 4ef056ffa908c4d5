// The op `order`: the draws at some positions of an epoch, with the widest vectors of the machine.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "host/arguments.h"
#include "host/epoch_order_tables.h"
#include "host/philox_simd.h"

namespace gpuaug {
namespace {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

constexpr int kBlock = 256;
constexpr int64_t kMostClasses = int64_t{1} << 30;  // 32 bits hold the steps of the search

template <typename Value, typename Member>
struct Epoch : Tables<Value> {
  const Member* members;
  uint64_t seed;
  uint32_t epoch;
};

// The places of a block's draws in memory, between the two halves of the work.
struct Found {
  int64_t place[kBlock], copy[kBlock];
};

template <typename Value>
inline void find_classes(const Value* ends, int64_t count, int lanes, const Value* x, int32_t* which) {
  const auto last = static_cast<int32_t>(count - 1);
  int32_t step = 1;
  while (step < last) step *= 2;
  for (int lane = 0; lane < lanes; ++lane) which[lane] = 0;
  // A binary search in all lanes at a time: which[lane] classes end at or before x[lane].
  for (; step > 0; step /= 2) {
    for (int lane = 0; lane < lanes; ++lane) {
      const int32_t next = which[lane] + step;
      const int32_t before = next <= last ? next - 1 : last;  // no x is at or after the end of the last class
      which[lane] = ends[before] <= x[lane] ? next : which[lane];
    }
  }
}

// False if `each` asks for a check of the tables of every class that occurs, and one of them is not sound.
template <typename Value, typename Member>
inline bool find(const Epoch<Value, Member>& epoch, bool each, const int64_t* positions, int lanes, Found& block) {
  Value x[kBlock];
  int32_t which[kBlock];
  for (int lane = 0; lane < lanes; ++lane) x[lane] = static_cast<Value>(positions[lane]);
  permute(OneBijection<Value>{epoch.bijections, 1 + epoch.count}, lanes, x);
  find_classes(epoch.row(kEnds), epoch.count, lanes, x, which);
  if (each) {
    bool good = true;
    for (int lane = 0; lane < lanes; ++lane) good &= sound(epoch, which[lane], epoch.end_before(which[lane]));
    if (!good) return false;
  }
  const Value *begins = epoch.row(kBegins), *samples = epoch.row(kSamples), *offsets = epoch.row(kOffsets);
  for (int lane = 0; lane < lanes; ++lane) {
    const Value size = samples[which[lane]], within = x[lane] - begins[which[lane]];
    const Value copy = quotient(within, size);
    const Value slot = within - copy * size - size + offsets[which[lane]];
    x[lane] = slot < 0 ? slot + size : slot;
    block.copy[lane] = copy;
  }
  permute(OwnBijection<Value>{epoch.bijections + 1, 1 + epoch.count, which}, lanes, x);
  const Value* starts = epoch.row(kStarts);
  for (int lane = 0; lane < lanes; ++lane) block.place[lane] = int64_t{starts[which[lane]]} + x[lane];
#ifdef __GNUC__
  // The members of a large data set are in no cache: they are fetched while the block before is finished.
  for (int lane = 0; lane < lanes; ++lane) __builtin_prefetch(epoch.members + block.place[lane]);
#endif
  return true;
}

template <typename Value, typename Member>
inline void finish(const Epoch<Value, Member>& epoch, const Found& block, int lanes, int64_t* out) {
  for (int first = 0; first < lanes; first += kLanes) {
    const int n = std::min(kLanes, lanes - first);
    int64_t index[kLanes] = {};
    uint64_t keys[kLanes];
    for (int i = 0; i < n; ++i) index[i] = epoch.members[block.place[first + i]];
    draw_keys(epoch.seed, epoch.epoch, index, block.copy + first, keys);
    for (int i = 0; i < n; ++i) {
      int64_t* draw = out + 3 * (first + i);
      draw[0] = index[i];
      draw[1] = block.copy[first + i];
      draw[2] = static_cast<int64_t>(keys[i]);
    }
  }
}

template <typename Value, typename Member>
inline bool make_draws(const Epoch<Value, Member>& epoch, bool each, const int64_t* positions, int64_t begin,
                       int64_t end, int64_t* out) {
  Found blocks[2] = {};
  int64_t before = begin, turn = 0;
  for (int64_t at = begin; at < end; at += kBlock, ++turn) {
    const auto lanes = static_cast<int>(std::min<int64_t>(kBlock, end - at));
    if (!find(epoch, each, positions + at, lanes, blocks[turn % 2])) return false;
    if (turn > 0) finish(epoch, blocks[(turn - 1) % 2], kBlock, out + 3 * before);
    before = at;
  }
  if (turn > 0) finish(epoch, blocks[(turn - 1) % 2], static_cast<int>(end - before), out + 3 * before);
  return true;
}

// The same code for each generation of vectors. `flatten` inlines all of it into the function for a generation.
template <typename Value, typename Member>
using Make = bool (*)(const Epoch<Value, Member>&, bool, const int64_t*, int64_t, int64_t, int64_t*);

// With GPUAUG_ALL_VECTORS, a test has chosen the generation.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(GPUAUG_ALL_VECTORS)
template <typename Value, typename Member>
__attribute__((target("arch=x86-64-v4"), flatten)) bool make_v4(const Epoch<Value, Member>& e, bool each,
                                                                const int64_t* p, int64_t i, int64_t j, int64_t* out) {
  return make_draws(e, each, p, i, j, out);
}

template <typename Value, typename Member>
__attribute__((target("arch=x86-64-v3"), flatten)) bool make_v3(const Epoch<Value, Member>& e, bool each,
                                                                const int64_t* p, int64_t i, int64_t j, int64_t* out) {
  return make_draws(e, each, p, i, j, out);
}

// All features that a generation may use, not only its vectors: a virtual machine may hide any of them.
#if defined(__clang__) && __clang_major__ < 18  // does not know generations by name, nor all of their features
inline bool has_v3() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
         __builtin_cpu_supports("fma");
}
inline bool has_v4() {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#else
inline bool has_v3() { return __builtin_cpu_supports("x86-64-v3"); }
inline bool has_v4() { return __builtin_cpu_supports("x86-64-v4"); }
#endif

template <typename Value, typename Member>
Make<Value, Member> widest() {
  if (has_v4()) return make_v4<Value, Member>;
  return has_v3() ? make_v3<Value, Member> : make_draws<Value, Member>;
}
#else
template <typename Value, typename Member>
Make<Value, Member> widest() {
  return make_draws<Value, Member>;
}
#endif

// Names the first class whose tables are not sound.
template <typename Value>
void raise_unsound(const Tables<Value>& tables) {
  int64_t number = 0;
  while (number + 1 < tables.count && sound(tables, number, tables.end_before(number))) ++number;
  const auto of = [&](ClassRow row) { return tables.row(row)[number]; };
  STD_TORCH_CHECK(sound_class(tables, number, tables.end_before(number)), "classes must follow one another, each with ",
                  "samples among the ", tables.samples, " members and an offset among its samples; class ", number,
                  " begins at ", of(kBegins), " and ends at ", of(kEnds), ", has ", of(kSamples), " samples from ",
                  of(kStarts), " on, and the offset ", of(kOffsets));
  STD_TORCH_CHECK(false, "bijections must have one over the samples of each class; that of class ", number,
                  " is none over ", of(kSamples));
}

// Raises if the bijection of the positions, that of a class, or a class itself is not sound. True if classes are left
// to the draws: with few draws and very many classes, each draw checks only its own class.
template <typename Value>
bool check_tables(const Tables<Value>& tables, int64_t positions) {
  constexpr int64_t kTimes = 8;  // a draw checks its class in the time of this number of classes in sequence
  STD_TORCH_CHECK(sound_bijection(tables, 0, tables.total()),
                  "bijections must begin with one over the positions, which are ", tables.total());
  if (tables.count / kTimes > positions) return true;
  if (!all_sound(tables)) raise_unsound(tables);
  return false;
}

template <typename Value, typename Member>
void run(const Tensor& members, const Tensor& classes, const Tensor& bijections, const Tensor& positions, int64_t seed,
         int64_t epoch, int64_t* out) {
  static const Make<Value, Member> make = widest<Value, Member>();
  const auto* p = static_cast<const int64_t*>(positions.const_data_ptr());
  const Epoch<Value, Member> all{{static_cast<const Value*>(classes.const_data_ptr()), classes.size(1),
                                  static_cast<const Value*>(bijections.const_data_ptr()), members.size(0)},
                                 static_cast<const Member*>(members.const_data_ptr()),
                                 static_cast<uint64_t>(seed),
                                 static_cast<uint32_t>(epoch)};
  const int64_t total = all.total();
  for (int64_t i = 0; i < positions.size(0); ++i) {
    STD_TORCH_CHECK(0 <= p[i] && p[i] < total, "positions must be in [0, ", total, "), got ", p[i]);
  }
  const bool each = check_tables(all, positions.size(0));
  std::atomic<bool> good = true;
  torch::stable::parallel_for(0, positions.size(0), 1 << 14, [&](int64_t begin, int64_t end) {
    if (!make(all, each, p, begin, end, out)) good = false;
  });
  if (!good) raise_unsound(all);
}

}  // namespace

// members is (samples), classes (5, classes), bijections (19, 1 + classes), positions (n); the result is (n, 3): index,
// copy, key. gpuaug/sampling/order.py makes the tables, which are int32 if the numbers fit.
Tensor order_cpu(const Tensor& members, const Tensor& classes, const Tensor& bijections, const Tensor& positions,
                 int64_t seed, int64_t epoch) {
  const auto is_integer = [](const Tensor& t) {
    return (t.scalar_type() == ScalarType::Int || t.scalar_type() == ScalarType::Long) && t.is_contiguous();
  };
  STD_TORCH_CHECK(is_integer(members) && members.dim() == 1, "members must be contiguous int32 or int64 (samples)");
  STD_TORCH_CHECK(is_integer(classes) && classes.dim() == 2 && classes.size(0) == kClassRows && classes.size(1) > 0,
                  "classes must be contiguous int32 or int64 (5, classes)");
  STD_TORCH_CHECK(bijections.scalar_type() == classes.scalar_type() && bijections.is_contiguous() &&
                      bijections.dim() == 2 && bijections.size(0) == kBijectionRows &&
                      bijections.size(1) == 1 + classes.size(1),
                  "bijections must be contiguous (19, 1 + classes), of the type of classes");
  STD_TORCH_CHECK(positions.scalar_type() == ScalarType::Long && positions.dim() == 1 && positions.is_contiguous(),
                  "positions must be contiguous int64 (n)");
  STD_TORCH_CHECK(classes.size(1) <= kMostClasses, "classes must be at most 2**30, got ", classes.size(1));
  check_memory(members, "members");
  check_memory(classes, "classes");
  check_memory(bijections, "bijections");
  check_memory(positions, "positions");
  auto out = torch::stable::new_empty(positions, {positions.size(0), 3});
  auto* draws = static_cast<int64_t*>(out.mutable_data_ptr());
  const bool narrow = classes.scalar_type() == ScalarType::Int, small = members.scalar_type() == ScalarType::Int;
  const auto go = narrow ? (small ? run<int32_t, int32_t> : run<int32_t, int64_t>)
                         : (small ? run<int64_t, int32_t> : run<int64_t, int64_t>);
  go(members, classes, bijections, positions, seed, epoch, draws);
  return out;
}

}  // namespace gpuaug

STABLE_TORCH_LIBRARY_IMPL(gpuaug, CPU, library) { library.impl("order", TORCH_BOX(&gpuaug::order_cpu)); }
