// What PTX's instructions do, for the C++ that tests/ptx/translate.py makes of them.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "ptx_count.h"

namespace ptx {

// One thread of a launch: the bytes of each parameter, its block's shared memory, and where it stands.
struct Thread {
  std::array<const unsigned char*, 2> parameters;
  unsigned char* shared;
  uint32_t tid, ctaid, ntid;
};

void barrier();  // whoever runs the threads knows how

// Instructions that this thread has executed, predicated ones included, and how often each run of them since its last
// barrier; counted with -DPTX_COUNT alone.
inline thread_local uint64_t executed_instructions = 0;
inline thread_local Turns turns;
// How often it comes to a run that reads global memory: at the most so often it waits for a reply.
inline thread_local uint64_t waits = 0;

inline void executed([[maybe_unused]] size_t run, [[maybe_unused]] uint64_t instructions) {
#ifdef PTX_COUNT
  executed_instructions += instructions;
  turns.add(run, instructions);
#endif
}

inline void reads_global_memory() {
#ifdef PTX_COUNT
  ++waits;
#endif
}

[[noreturn]] inline void stop(const char* why) {
  std::fprintf(stderr, "PTX: %s\n", why);
  std::abort();
}

// ---- Memory

inline uint64_t address(const unsigned char* pointer) { return reinterpret_cast<uintptr_t>(pointer); }
inline unsigned char* pointer(uint64_t address) { return reinterpret_cast<unsigned char*>(address); }

// A GPU traps where an access is not aligned to its whole width, and no kernel runs in the process any more.
inline void check_alignment(const void* place, size_t bytes) {
  if (reinterpret_cast<uintptr_t>(place) % bytes == 0) return;
  std::fprintf(stderr, "PTX: a misaligned access of %zu bytes at %p\n", bytes, place);
  std::abort();
}

template <typename Vector>
Vector load(const unsigned char* from) {
  check_alignment(from, sizeof(Vector));
  Vector v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <typename Vector>
void store(unsigned char* to, const Vector& v) {
  check_alignment(to, sizeof v);
  std::memcpy(to, &v, sizeof v);
}

// What the place had before. A GPU promises no order beside its own; a fence does, of what comes before it and after it
// in two threads.
inline uint32_t atomic_add(unsigned char* place, uint32_t value) {
  check_alignment(place, sizeof value);
  return std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t*>(place)).fetch_add(value, std::memory_order_relaxed);
}

inline std::atomic<int> fences;  // ThreadSanitizer knows no std::atomic_thread_fence
inline void fence() { fences.fetch_add(1, std::memory_order_acq_rel); }

// ---- Arithmetic

template <typename T>
constexpr int kBits = sizeof(T) * 8;

template <typename T>
T high(T a, T b) {
  return static_cast<T>(static_cast<__int128>(a) * static_cast<__int128>(b) >> kBits<T>);
}
template <>
inline uint64_t high(uint64_t a, uint64_t b) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b >> 64);
}

// A GPU gives something for these; no kernel may need it.
template <typename T>
void check_division(T a, T b) {
  if (b == 0) stop("a division by 0");
  if (b == static_cast<T>(-1) && a != 0 && a == std::numeric_limits<T>::min()) stop("a quotient that overflows");
}

template <typename T>
T quotient(T a, T b) {
  check_division(a, b);
  return static_cast<T>(a / b);
}

template <typename T>
T remainder(T a, T b) {
  check_division(a, b);
  return static_cast<T>(a % b);
}

// Two halves of a word by the two low bytes of another.
inline uint32_t dot_of_halves(uint32_t halves, uint32_t bytes, uint32_t sum) {
  return sum + (halves & 0xFFFF) * (bytes & 0xFF) + (halves >> 16) * (bytes >> 8 & 0xFF);
}

// Of bytes without a sign and bytes with one.
inline int32_t dot_of_bytes(uint32_t a, int32_t b, int32_t sum) {
  auto total = static_cast<uint32_t>(sum);  // wraps
  for (int i = 0; i < 32; i += 8) total += static_cast<uint32_t>(uint8_t(a >> i) * int8_t(b >> i));
  return static_cast<int32_t>(total);
}

// ---- Bits: a shift by the width or more leaves nothing, or the sign alone.

template <typename T>
T shifted_left(T value, uint32_t by) {
  return by < kBits<T> ? static_cast<T>(static_cast<uint64_t>(value) << by) : T{0};
}

template <typename T>
T shifted_right(T value, uint32_t by) {
  if (by < kBits<T>) return static_cast<T>(value >> by);
  return value < 0 ? static_cast<T>(-1) : T{0};
}

// Fields of `length` bits from bit `at` on; of position and length a byte counts.
template <typename T>
T field(uint32_t at, uint32_t length) {
  length &= 0xFF;
  const T ones = length < kBits<T> ? static_cast<T>((T{1} << length) - 1) : static_cast<T>(-1);
  return shifted_left(ones, at & 0xFF);
}

template <typename T>
T inserted(T bits, T into, uint32_t at, uint32_t length) {
  const T mask = field<T>(at, length);
  return static_cast<T>((into & ~mask) | (shifted_left(bits, at & 0xFF) & mask));
}

template <typename T>
T extracted(T from, uint32_t at, uint32_t length) {
  return shifted_right(static_cast<T>(from & field<T>(at, length)), at & 0xFF);
}

// 32 bits of two words, from bit `by` of the low one on; of `by` five bits count.
inline uint32_t funnelled(uint32_t low, uint32_t high, uint32_t by) {
  return static_cast<uint32_t>((uint64_t{high} << 32 | low) >> (by & 31));
}

// Bytes of two words by number, a nibble each; its highest bit asks for the byte's sign instead.
inline uint32_t permuted(uint32_t low, uint32_t high, uint32_t picks) {
  const uint64_t both = uint64_t{high} << 32 | low;
  uint32_t out = 0;
  for (int i = 0; i < 4; ++i) {
    const uint32_t pick = picks >> (4 * i);
    const auto byte = static_cast<uint32_t>(both >> (pick & 7) * 8 & 0xFF);
    out |= (pick & 8 ? (byte & 0x80 ? 0xFFu : 0u) : byte) << (8 * i);
  }
  return out;
}

}  // namespace ptx
