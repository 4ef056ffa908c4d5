// Philox on the host: the rounds of common/philox.h on sixteen counters at a time, in loops that compilers vectorize.
#pragma once

#include <cstdint>

#include "common/philox.h"

namespace gpuaug {

constexpr int kLanes = 16;

struct Lanes {
  uint32_t words[4][kLanes];
};

// Replaces every lane's counter by its block, and changes the keys.
inline void philox(Lanes& counters, uint32_t* k0, uint32_t* k1) {
  auto& [c0, c1, c2, c3] = counters.words;
  for (int round = 0; round < kPhiloxRounds; ++round) {
#pragma GCC unroll 1  // else it is unrolled before it can be vectorized
    for (int i = 0; i < kLanes; ++i) {
      const uint64_t p0 = uint64_t{kPhiloxA} * c0[i], p1 = uint64_t{kPhiloxB} * c2[i];
      c0[i] = static_cast<uint32_t>(p1 >> 32) ^ c1[i] ^ k0[i];
      c1[i] = static_cast<uint32_t>(p1);
      c2[i] = static_cast<uint32_t>(p0 >> 32) ^ c3[i] ^ k1[i];
      c3[i] = static_cast<uint32_t>(p0);
      k0[i] += kPhiloxKeyA;
      k1[i] += kPhiloxKeyB;
    }
  }
}

// The keys of sixteen draws.
inline void draw_keys(uint64_t seed, uint32_t epoch, const int64_t* index, const int64_t* copy, uint64_t* keys) {
  Lanes lanes;
  auto& [c0, c1, c2, c3] = lanes.words;
  uint32_t k0[kLanes], k1[kLanes];
  for (int i = 0; i < kLanes; ++i) {
    const Block counter = draw_counter(index[i], copy[i], epoch);
    c0[i] = counter.words[0], c1[i] = counter.words[1], c2[i] = counter.words[2], c3[i] = counter.words[3];
    k0[i] = static_cast<uint32_t>(seed);
    k1[i] = static_cast<uint32_t>(seed >> 32);
  }
  philox(lanes, k0, k1);
  for (int i = 0; i < kLanes; ++i) keys[i] = joined(c0[i], c1[i]);
}

}  // namespace gpuaug
