// What a pointwise stage needs of the kernels beside its functor; each says so where it needs more.
#pragma once

namespace gpuaug {

struct StageNeeds {
  static constexpr bool kHasTable = false;  // a byte for each level, made once for a draw
  static constexpr int kRandomLines = 0;    // of random bits, 16 for each pixel of a row
};

}  // namespace gpuaug
