// Shared by the files of csrc/cpu/row_kernels.h: the generations of vectors for which a loop is compiled, and the
// arithmetic of its lanes.
#pragma once

#include <cstdint>

// Loops have known bounds and pointers that do not overlap, so that compilers vectorize them. A function that is
// written anew for each generation names the generation by GPUAUG_VERSION. If GPUAUG_VERSIONED is 0, only one of its
// versions is compiled: the widest that the compiler's options allow.
#if defined(GPUAUG_ALL_VECTORS)
// A test has chosen the generation.
#define GPUAUG_VERSIONED 0
#elif defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define GPUAUG_ALL_VECTORS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define GPUAUG_VERSIONED 1
#else
#define GPUAUG_ALL_VECTORS
#define GPUAUG_VERSIONED 0
#endif

#if GPUAUG_VERSIONED
#define GPUAUG_VERSION(generation) __attribute__((target(generation)))
#else
#define GPUAUG_VERSION(generation)
#endif

namespace gpuaug {

// (a * b + 2^14) >> 15, in a form that compilers turn into one rounding 16-bit multiplication.
inline int16_t rounded_product(int16_t a, int16_t b) {
  return static_cast<int16_t>((((int32_t{a} * b) >> 14) + 1) >> 1);
}

inline int16_t difference(int16_t a, int16_t b) { return static_cast<int16_t>(a - b); }

inline int16_t sum(int16_t a, int16_t b) { return static_cast<int16_t>(a + b); }

// Blends from the first to the second, by a weight in 1/2^15.
inline int16_t blended(int16_t first, int16_t second, int16_t weight) {
  return sum(first, rounded_product(difference(second, first), weight));
}

inline int16_t rounded_level(int16_t fine) { return static_cast<int16_t>(sum(fine, 64) >> 7); }

}  // namespace gpuaug
