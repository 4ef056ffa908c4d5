// The packed arithmetic of the CUDA kernel against that of the stages: every pair of levels under every weight across,
// every value at some thresholds, and a million values each of what has too many.
#include <cstdint>
#include <cstdio>
#include <random>

#include "cuda_shim.h"

#include "common/stages/geometry.h"
#include "cuda/packed.cuh"
#include "cuda/threshold.cuh"

using namespace gpuaug;

static int64_t wrong = 0;

static void expect(const char* what, int64_t got, int64_t wanted) {
  if (got != wanted && wrong++ < 5) {
    std::fprintf(stderr, "%s: %lld, expected %lld\n", what, static_cast<long long>(got),
                 static_cast<long long>(wanted));
  }
}

// Every value, in every place of a strip, under thresholds of both halves and their ends.
static void compare_thresholds() {
  for (const uint32_t threshold : {0, 1, 255, 256, 0x7FFF, 0x8000, 0x8001, 0xC0DE, 0xFFFF, 0x10000}) {
    const Threshold packed(threshold);
    for (uint32_t first = 0; first < 1 << 16; ++first) {
      Block bits{};
      uint32_t wanted = 0;
      for (uint32_t j = 0; j < 8; ++j) {
        const uint32_t own = (first + j * 0x5A5B) & 0xFFFF;
        bits.words[j / 2] |= own << (j % 2 * 16);
        wanted |= own >= threshold ? 0xFu << (4 * j) : 0;
      }
      expect("threshold", packed.reached(bits), wanted);
    }
  }
}

int main() {
  compare_thresholds();
  for (int weight = 0; weight < 2048; ++weight) {
    const uint32_t weights = static_cast<uint32_t>((2048 - weight) << 4 | weight << 20);
    for (int first = 0; first < 256; first += weight % 4 ? 5 : 1) {
      for (int second = 0; second < 256; second += 3) {
        const auto bytes = static_cast<uint32_t>(first | second << 8);
        const uint32_t middle = __dp2a_lo(weights, bytes, kHalfAcross) >> 8;
        expect("across", middle, blend(fine(first), fine(second), weight));
      }
    }
  }
  std::mt19937 random(1);
  const auto below = [&](uint32_t limit) { return static_cast<int>(random() % limit); };
  const auto value = [&] { return below(8) ? below(255 * 128 + 1) : below(2) * 255 * 128; };
  for (int i = 0; i < 1000000; ++i) {
    const int upper = value(), lower = value(), weight = below(2048);
    expect("down",
           blend_down(static_cast<uint32_t>(upper), static_cast<uint32_t>(lower),
                      static_cast<uint32_t>(2048 - weight) << 6, static_cast<uint32_t>(weight) << 6) >>
               24,
           level(blend(upper, lower, weight)));

    Recipe recipe{};
    recipe.outer = below(8) ? below(1 << 15) : 0;
    recipe.inner = below(8) ? below((1 << 15) + 1 - static_cast<int>(recipe.outer)) : 0;  // the centre has all
    const BlurWeights weights = blur_weights(recipe);
    uint32_t words[3] = {};
    int twelve[12];
    for (int k = 0; k < 12; ++k) {
      twelve[k] = below(4) ? below(256) : below(2) * 255;
      words[k / 4] |= static_cast<uint32_t>(twelve[k]) << (k % 4 * 8);
    }
    const AcrossWeights across(weights);
    for (int j = 0; j < 8; ++j) {
      const int* v = twelve + j;
      expect("blur across", weigh_across(across, words, j, kHalfAcrossBlur) >> 10,
             blurred_across(weights, v[0], v[1], v[2], v[3], v[4]));
    }

    int f[5];
    for (auto& fine : f) fine = below(8) ? below(255 * 64 + 1) : below(2) * 255 * 64;
    const int five[] = {weights.outer, weights.inner, weights.centre, weights.inner, weights.outer};
    uint32_t sum = kHalfDownBlur;
    for (int k = 0; k < 5; ++k) sum += static_cast<uint32_t>(f[k]) * 4 * static_cast<uint32_t>(five[k]);
    expect("blur down", sum >> 24, blurred_down(weights, f[0], f[1], f[2], f[3], f[4]));
  }
  if (wrong) return 1;
  std::puts("the same integers");
}
