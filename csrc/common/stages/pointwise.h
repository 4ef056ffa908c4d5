// The pointwise stages, in the kernel's order. Both backends go through these lists: a stage that is not in them does
// not run.
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

// They change levels, each for itself or by those of the same pixel.
using LevelStages = StageList<ColorStage, CurvesStage, NoiseStage>;
// They put levels in the place of some pixels', whatever was there.
using CoverStages = StageList<ImpulseStage, EraseStage>;

template <typename... First, typename... Then>
StageList<First..., Then...> joined(StageList<First...>, StageList<Then...>);
using PointwiseStages = decltype(joined(LevelStages(), CoverStages()));

constexpr int kTableBytes = 256;  // of a stage that has a table

// Where a stage's tables and lines of random bits begin among those of all: after those of the stages before it, whose
// bits these are.
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
