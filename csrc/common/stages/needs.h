// The needs of a pointwise stage beside its functor. A stage that needs more overrides them.
#pragma once

namespace gpuaug {

struct StageNeeds {
  static constexpr bool kHasTable = false;  // a byte for each level, made once per draw
  static constexpr int kRandomLines = 0;    // lines of random bits, 16 for each pixel of a row
};

}  // namespace gpuaug
