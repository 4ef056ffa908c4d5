// Impulse noise and erasing of a tile, computed once for all channels: the cover of each pixel.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/batch.h"
#include "common/stages/pointwise.h"
#include "cuda/bits.cuh"
#include "cuda/covers.cuh"
#include "cuda/shared.cuh"
#include "cuda/strip_bits.cuh"
#include "cuda/threshold.cuh"

namespace gpuaug {

// A stage on strips, made from values that all strips of a draw share: it returns the covers of the eight pixels from
// column x of row y on, which are the output's from `pixel` on. `picks` are the covers of earlier stages.
template <typename Stage>
struct StripCover;

template <>
struct StripCover<ImpulseStage> {
  Threshold covered, white;
  uint64_t key;
  int64_t place;

  __device__ StripCover(const ImpulseStage& stage, const Recipe& recipe)
      : covered(stage.pepper), white(stage.salt), key(static_cast<uint64_t>(recipe.key)), place(recipe.place) {}

  __device__ uint32_t operator()(int64_t, int64_t, int64_t pixel, uint32_t picks) const {
    const Block bits = strip_bits(key, place, 0, pixel);
    const uint32_t noise = selected(white.reached(bits), kAllBlack, kAllWhite);
    return selected(covered.reached(bits), picks, noise);
  }
};

template <>
struct StripCover<EraseStage> {
  EraseStage stage;

  __device__ StripCover(const EraseStage& given, const Recipe&) : stage(given) {}

  __device__ uint32_t operator()(int64_t x, int64_t y, int64_t, uint32_t picks) const {
    uint32_t erased = 0;  // a nibble for each pixel: all ones or none
    const auto left_of = [x](int64_t end) {
      return static_cast<uint32_t>((uint64_t{1} << 4 * clamp(end - x, 0, 8)) - 1);
    };
    stage.row(
        y, [&](int begin, int end) { erased |= left_of(end) & ~left_of(begin); },
        [&](int unit, int part, int phase) {
          auto at = static_cast<int>((x + phase) % unit);
#pragma unroll
          for (int j = 0; j < 32; j += 4) {
            erased |= at < part ? 0xFu << j : 0;
            at = at + 1 < unit ? at + 1 : 0;
          }
        });
    return selected(erased, kAllErased, picks);
  }
};

// Applies one stage to all strips. A thread has the same strips for every stage, so that no barrier is needed in
// between. `begun`: an earlier stage has covered pixels.
template <typename Stage>
__device__ inline void cover_tile(const Shared& shared, const TilePlan& plan, const Batch& batch, bool& begun) {
  const Lane lane(shared.tiling.narrow);
  const Recipe& recipe = batch.recipes[plan.draw];
  const StripCover<Stage> cover(Stage(recipe), recipe);
  const int64_t x = plan.x.begin + lane.strip * kStripWidth;
#pragma unroll 1
  for (int row = lane.begin(plan.y.extent); row < plan.y.extent; row += lane.step) {
    const int64_t y = plan.y.begin + row;
    uint32_t& picks = shared.picks()[row * shared.tiling.strips + lane.strip];
    picks = cover(x, y, y * batch.width + x, begun ? picks : kAllKept);
  }
  begun = true;
}

template <typename... Stages>
__device__ inline void find_covers(StageList<Stages...>, const Shared& shared, const TilePlan& plan,
                                   const Batch& batch) {
  bool begun = false;
  ((plan.stages & Stages::kBit ? cover_tile<Stages>(shared, plan, batch, begun) : void()), ...);
}

}  // namespace gpuaug
