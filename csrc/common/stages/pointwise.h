// The pointwise stages, in the kernel's order. Both backends run the stages of these lists, and no others.
#pragma once

#include <cstdint>

#include "common/stages/color.h"
#include "common/stages/curves.h"
#include "common/stages/erase.h"
#include "common/stages/impulse.h"
#include "common/stages/noise.h"

namespace gpuaug {

template <typename... Stages>
struct StageList {
  static constexpr int64_t kBits = (Stages::kBit | ...);
  static constexpr int64_t kBitsWithTable = ((Stages::kHasTable ? Stages::kBit : 0) | ...);
  static constexpr int kTables = (int{Stages::kHasTable} + ...);
  static constexpr int kRandomLines = (Stages::kRandomLines + ...);
};

// These change a level, from itself or from the levels of the same pixel.
using LevelStages = StageList<ColorStage, CurvesStage, NoiseStage>;
// These replace the levels of some pixels.
using CoverStages = StageList<ImpulseStage, EraseStage>;

template <typename... First, typename... Then>
StageList<First..., Then...> joined(StageList<First...>, StageList<Then...>);
using PointwiseStages = decltype(joined(LevelStages(), CoverStages()));

constexpr int kTableBytes = 256;  // the table of a stage that has one

// The begin of a stage's table and of its lines of random bits among those of all stages: after those of the stages
// before it, which `bits` has.
template <typename Stage, typename List>
struct PlaceInList;

template <typename Stage, typename First, typename... Rest>
struct PlaceInList<Stage, StageList<First, Rest...>> {
  using Next = PlaceInList<Stage, StageList<Rest...>>;
  static constexpr int64_t kBitsBefore = First::kBit | Next::kBitsBefore;
  static constexpr int kTable = int{First::kHasTable} + Next::kTable;
  static constexpr int kRandomLine = First::kRandomLines + Next::kRandomLine;
};

template <typename Stage, typename... Rest>
struct PlaceInList<Stage, StageList<Stage, Rest...>> {
  static constexpr int64_t kBitsBefore = 0;
  static constexpr int kTable = 0, kRandomLine = 0;
};

template <typename Stage>
using StagePlace = PlaceInList<Stage, PointwiseStages>;

}  // namespace gpuaug
