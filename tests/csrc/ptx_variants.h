// The kernel's variants that were translated from PTX; tests/ptx/kernel.py writes the list.
#pragma once

#include <cstdint>
#include <span>

#include "ptx.h"

struct Variant {
  int64_t stages, element_size;  // as in the kernel's template arguments
  void (*run)(const ptx::Thread&);
};

std::span<const Variant> variants();
