// The ops `keyed_draws` and `uniform`: the host's random numbers.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

#include <algorithm>
#include <vector>

#include "host/arguments.h"
#include "host/philox_simd.h"

namespace gpuaug {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

// The place of a stream and the number of a block are one word of the counter each; a block gives four numbers.
constexpr int64_t kMostPlaces = int64_t{1} << 32, kMostNumbers = int64_t{1} << 34;

// index and copy are (n); the result is (n, 3): index, copy and the key, a 64-bit pattern
Tensor keyed_draws_cpu(const Tensor& index, const Tensor& copy, int64_t seed, int64_t epoch) {
  check_words(index, "index");
  check_words(copy, "copy");
  const int64_t draws = index.size(0), index_step = index.stride(0), copy_step = copy.stride(0);
  STD_TORCH_CHECK(copy.size(0) == draws, "copy must have one entry for each of index");
  auto out = torch::stable::new_empty(index, {draws, 3});
  const auto* indices = static_cast<const int64_t*>(index.const_data_ptr());
  const auto* copies = static_cast<const int64_t*>(copy.const_data_ptr());
  auto* rows = static_cast<int64_t*>(out.mutable_data_ptr());
  torch::stable::parallel_for(0, draws, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t* row = rows + 3 * i;
      row[0] = indices[i * index_step];
      row[1] = copies[i * copy_step];
      const Block block =
          philox(draw_counter(row[0], row[1], static_cast<uint32_t>(epoch)), static_cast<uint64_t>(seed));
      row[2] = static_cast<int64_t>(joined(block.words[0], block.words[1]));
    }
  });
  return out;
}

// The same block of the parameter streams of several draws.
inline Lanes parameter_lanes(const int64_t* keys, int64_t place, int64_t block) {
  Lanes lanes;
  auto& [c0, c1, c2, c3] = lanes.words;
  uint32_t k0[kLanes], k1[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    c0[i] = static_cast<uint32_t>(block);
    c1[i] = 0;
    c2[i] = static_cast<uint32_t>(place);
    c3[i] = kParameters;
    k0[i] = static_cast<uint32_t>(keys[i]);
    k1[i] = static_cast<uint32_t>(static_cast<uint64_t>(keys[i]) >> 32);
  }
  philox(lanes, k0, k1);
  return lanes;
}

// keys is (n): 64-bit patterns; the result is (sum of counts, n): in [0, 1), in steps of 2^-32
Tensor uniform_cpu(const Tensor& keys, const std::vector<int64_t>& places, const std::vector<int64_t>& counts) {
  check_words(keys, "keys");
  STD_TORCH_CHECK(places.size() == counts.size(), "counts must be as many as places");
  const int64_t draws = keys.size(0), step = keys.stride(0);
  const int64_t most = (int64_t{1} << 60) / std::max<int64_t>(draws, 1);  // their bytes fit 64 bits
  int64_t total = 0;
  for (size_t p = 0; p < places.size(); ++p) {
    STD_TORCH_CHECK(0 <= places[p] && places[p] < kMostPlaces, "places must be in [0, 2**32), got ", places[p]);
    STD_TORCH_CHECK(counts[p] >= 0, "counts must be at least 0, got ", counts[p]);
    STD_TORCH_CHECK(counts[p] <= kMostNumbers, "counts must be at most 2**34, got ", counts[p]);
    total += counts[p];
    STD_TORCH_CHECK(total <= most, "counts must come to at most ", most, " for ", draws, " draws");
  }
  auto out = torch::stable::new_empty(keys, {total, draws}, ScalarType::Double);
  if (total == 0) return out;  // an expanded tensor may have too many keys to loop over
  const auto* in = static_cast<const int64_t*>(keys.const_data_ptr());
  auto* numbers = static_cast<double*>(out.mutable_data_ptr());
  torch::stable::parallel_for(0, (draws + kLanes - 1) / kLanes, 128, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin * kLanes; first < std::min(end * kLanes, draws); first += kLanes) {
      const int64_t used = std::min<int64_t>(kLanes, draws - first);
      int64_t some[kLanes] = {};
      for (int64_t i = 0; i < used; ++i) some[i] = in[(first + i) * step];
      double* row = numbers + first;
      for (size_t p = 0; p < places.size(); ++p) {
        Lanes lanes;
        for (int64_t w = 0; w < counts[p]; ++w, row += draws) {
          if (w % 4 == 0) lanes = parameter_lanes(some, places[p], w / 4);
          for (int64_t i = 0; i < used; ++i) row[i] = lanes.words[w % 4][i] * 0x1p-32;
        }
      }
    }
  });
  return out;
}

}  // namespace gpuaug

STABLE_TORCH_LIBRARY_IMPL(gpuaug, CPU, library) {
  library.impl("keyed_draws", TORCH_BOX(&gpuaug::keyed_draws_cpu));
  library.impl("uniform", TORCH_BOX(&gpuaug::uniform_cpu));
}
