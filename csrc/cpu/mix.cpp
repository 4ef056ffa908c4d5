// The op `mix` on the CPU.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "cpu/row_kernels.h"
#include "host/arguments.h"

namespace gpuaug {
namespace {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

constexpr int kMostMixed = 17;                // an image and sixteen parts
constexpr int64_t kPiece = int64_t{1} << 15;  // bytes of an image that a thread mixes at a time

void check_flat(const Tensor& tensor, const char* name) {
  STD_TORCH_CHECK(tensor.scalar_type() == ScalarType::Byte && tensor.dim() == 2 && tensor.is_contiguous(), name,
                  " must be contiguous uint8 (n, bytes)");
  check_extent(tensor, name);
}

// Rounding adds at most half a step to each share.
void check_shares(const int64_t* shares, int64_t count, int64_t each) {
  for (int64_t n = 0; n < count; ++n, shares += each) {
    int64_t all = 0;
    for (int64_t k = 0; k < each; ++k) {
      STD_TORCH_CHECK(shares[k] >= 0 && shares[k] < kMixUnit, "shares must be in [0, ", kMixUnit, "), got ", shares[k]);
      all += shares[k];
    }
    STD_TORCH_CHECK(all <= kMixUnit + kMostMixed, "shares must add up to ", kMixUnit + kMostMixed, " at most, got ",
                    all);
  }
}

}  // namespace

void mix_cpu(Tensor images, const std::optional<Tensor>& rows, const Tensor& parts, const Tensor& shares) {
  check_flat(images, "images");
  check_flat(parts, "parts");
  STD_TORCH_CHECK(shares.scalar_type() == ScalarType::Long && shares.dim() == 2 && shares.is_contiguous() &&
                      shares.size(1) >= 1 && shares.size(1) <= kMostMixed,
                  "shares must be contiguous int64 (n, 1 to ", kMostMixed, ")");
  check_memory(shares, "shares");
  if (rows) {
    check_words(*rows, "rows");
    STD_TORCH_CHECK(rows->size(0) < 2 || rows->stride(0) == 1, "rows must be contiguous");
  }
  const int64_t count = shares.size(0), size = images.size(1), own_parts = shares.size(1) - 1;
  STD_TORCH_CHECK((rows ? rows->size(0) : images.size(0)) == count, "shares must be of each row, got ", count);
  STD_TORCH_CHECK(parts.size(0) == count * own_parts && parts.size(1) == size, "parts must be (", count * own_parts,
                  ", ", size, "), as many as the shares name, got (", parts.size(0), ", ", parts.size(1), ")");
  const auto* numbers = rows ? static_cast<const int64_t*>(rows->const_data_ptr()) : nullptr;
  for (int64_t n = 0; numbers && n < count; ++n) {
    STD_TORCH_CHECK(numbers[n] >= 0 && numbers[n] < images.size(0), "rows must be in [0, ", images.size(0), "), got ",
                    numbers[n]);
  }
  const auto* given = static_cast<const int64_t*>(shares.const_data_ptr());
  check_shares(given, count, own_parts + 1);
  if (size == 0) return;
  const auto* others = static_cast<const uint8_t*>(parts.const_data_ptr());
  auto* out = static_cast<uint8_t*>(images.mutable_data_ptr());
  const int64_t pieces = (size + kPiece - 1) / kPiece;
  torch::stable::parallel_for(0, count * pieces, 1, [&](int64_t begin, int64_t end) {
    std::array<const uint8_t*, kMostMixed> from{};
    std::array<int16_t, kMostMixed> share{};
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t n = unit / pieces, at = unit % pieces * kPiece;
      uint8_t* own = out + (numbers ? numbers[n] : n) * size + at;
      for (int64_t k = 0; k <= own_parts; ++k) {
        from[static_cast<size_t>(k)] = k == 0 ? own : others + (n * own_parts + k - 1) * size + at;
        share[static_cast<size_t>(k)] = static_cast<int16_t>(given[n * (own_parts + 1) + k]);
      }
      mix_levels(from.data(), share.data(), static_cast<int>(own_parts) + 1, own, std::min(kPiece, size - at));
    }
  });
}

}  // namespace gpuaug

STABLE_TORCH_LIBRARY_IMPL(gpuaug, CPU, library) { library.impl("mix", TORCH_BOX(&gpuaug::mix_cpu)); }
