// Measured curves: they turn the histograms of a draw's channels, counted once after color, into a table for each
// channel. Each curve depends on the image as the curves before it leave it: the histogram of that image is the counted
// one, mapped through the table so far. Alpha is not counted.
#pragma once

#include <cstdint>

#include "common/arithmetic.h"
#include "common/layout.h"
#include "common/portable.h"
#include "common/stages/curves.h"

namespace gpuaug {

constexpr int kLevels = 256;
constexpr int kMostColored = 3;
constexpr int64_t kMostCounted = (int64_t{1} << 31) - 1;  // the most pixels of an image: 32 bits hold every sum of them

// ---- The statistics of one channel

struct ChannelStatistics {
  int low, high;   // its least and its greatest level
  uint32_t step;   // the number of values for each level of equalize; 0: equalize changes nothing
  uint64_t sum;    // the sum of all values
  uint32_t count;  // the number of values
};

// The statistics of a channel's histogram. The histogram becomes the number of values below each level.
GPUAUG_HOST_DEVICE ChannelStatistics channel_statistics(uint32_t* histogram) {
  ChannelStatistics of{kLevels, 0, 0, 0, 0};
  uint32_t highest = 0;  // the number of values at the greatest level
  GPUAUG_EIGHT_AT_A_TIME
  for (int level = 0; level < kLevels; ++level) {
    const uint32_t own = histogram[level];
    histogram[level] = of.count;
    if (own == 0) continue;
    if (of.low == kLevels) of.low = level;
    of.high = level;
    highest = own;
    of.count += own;
    of.sum += uint64_t{own} * static_cast<uint32_t>(level);
  }
  of.step = (of.count - highest) / 255;
  return of;
}

// The mean in 1/2^16 of a level, rounded down: that of the grey image for three channels, else of all values.
GPUAUG_HOST_DEVICE int64_t mean_of(const ChannelStatistics* channels, int count) {
  uint64_t sum = 0, values = channels[0].count;
  if (count == kMostColored) {
    sum = kGreyRed * channels[0].sum + kGreyGreen * channels[1].sum + kGreyBlue * channels[2].sum;
  } else {
    for (int c = 0; c < count; ++c) sum += channels[c].sum << 16;
    values *= static_cast<uint64_t>(count);
  }
  return static_cast<int64_t>(sum / (values > 0 ? values : 1));
}

// ---- Curves of one level

// Stretches from black to white, truncated as in torchvision and Pillow. A channel of one level stays.
GPUAUG_HOST_DEVICE int autocontrasted(const ChannelStatistics& of, int level) {
  if (of.high <= of.low) return level;
  return level <= of.low ? 0 : (level >= of.high ? 255 : (level - of.low) * 255 / (of.high - of.low));
}

// As in Pillow.
GPUAUG_HOST_DEVICE int equalized(const ChannelStatistics& of, uint32_t below, int level) {
  if (of.step == 0) return level;
  const uint32_t to = (below + of.step / 2) / of.step;
  return to < 255 ? static_cast<int>(to) : 255;
}

// By a factor in 1/2^16 about the mean.
GPUAUG_HOST_DEVICE int contrasted(int64_t factor, int64_t mean, int level) {
  const int64_t times = clamp(factor, 0, kMostContrast);
  const int64_t value = times * (int64_t{level} << 16) + (kContrastUnit - times) * mean;
  return static_cast<int>(clamp((value + (int64_t{1} << 31)) >> 32, 0, 255));
}

GPUAUG_HOST_DEVICE bool is_measured(int64_t word) {
  const int64_t curve = curve_of(word);
  return curve == kAutocontrast || curve == kEqualize || curve == kContrast;
}

// ---- The tables

// The memory for making a draw's tables.
struct TableMemory {
  uint32_t counts[kMostColored * kLevels];  // of the image before the next curve; then the counts below each level
  ChannelStatistics channels[kMostColored];
  uint8_t then[kLevels];
};

// Makes the tables of a draw's curves. `histograms` and `tables` are (channels, 256), for color channels only. A team
// of threads makes them together: each thread makes the entries from team.first() on in steps of team.step(),
// team.barrier() waits for all threads, and team.add(at, count) adds without losing a sum. depth: see curves.h.
template <typename Team, typename Depth>
GPUAUG_HOST_DEVICE void measured_tables(const Team& team, const Recipe& recipe, int channels,
                                        const uint32_t* histograms, const Depth& depth, TableMemory& memory,
                                        uint8_t* tables) {
  const int first = team.first(), step = team.step(), entries = channels * kLevels;
  for (int k = first; k < entries; k += step) tables[k] = static_cast<uint8_t>(k % kLevels);
  GPUAUG_ONE_BY_ONE
  for (int i = 0; i < kMostCurves; ++i) {
    const int64_t word = curve_word(recipe, i);
    if (curve_of(word) == kNoCurve) continue;
    if (!is_measured(word)) {
      for (int level = first; level < kLevels; level += step) {
        memory.then[level] = static_cast<uint8_t>(curved(word, level, depth));
      }
      team.barrier();  // the curve is made
      for (int k = first; k < entries; k += step) tables[k] = memory.then[tables[k]];
      team.barrier();  // the next curve may take its place
      continue;
    }
    for (int k = first; k < entries; k += step) memory.counts[k] = 0;
    team.barrier();  // nothing is counted
    for (int k = first; k < entries; k += step) {
      if (histograms[k] != 0) team.add(memory.counts + k / kLevels * kLevels + tables[k], histograms[k]);
    }
    team.barrier();  // the image that the curve sees is counted
    for (int c = first; c < channels; c += step) memory.channels[c] = channel_statistics(memory.counts + c * kLevels);
    team.barrier();  // and known
    const int64_t mean = mean_of(memory.channels, channels);
    for (int k = first; k < entries; k += step) {
      const ChannelStatistics& of = memory.channels[k / kLevels];
      const int level = tables[k];
      int to = level;
      if (curve_of(word) == kAutocontrast) to = autocontrasted(of, level);
      if (curve_of(word) == kEqualize) to = equalized(of, memory.counts[k / kLevels * kLevels + level], level);
      if (curve_of(word) == kContrast) to = contrasted(word >> 8, mean, level);
      tables[k] = static_cast<uint8_t>(to);
    }
    team.barrier();  // the next curve may count
  }
}

}  // namespace gpuaug
