// Checks all tables of an order, with the widest vectors of the machine.
#include "host/epoch_order_tables.h"

#include "host/simd.h"

namespace gpuaug {
namespace {

template <typename Value>
inline bool each_sound(const Tables<Value>& tables) {
  bool good = sound(tables, 0, Value{0});
  for (int64_t number = 1; number < tables.count; ++number) {
    good &= sound(tables, number, tables.row(kEnds)[number - 1]);
  }
  return good;
}

}  // namespace

GPUAUG_ALL_VECTORS
bool all_sound(const Tables<int32_t>& tables) { return each_sound(tables); }

GPUAUG_ALL_VECTORS
bool all_sound(const Tables<int64_t>& tables) { return each_sound(tables); }

}  // namespace gpuaug
