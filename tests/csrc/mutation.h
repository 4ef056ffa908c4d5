// The number of the mutation that a program runs with; none where $MUTATION is not set. tests/mutations/switches.py
// writes the switches.
#pragma once

#include <cstdlib>

inline const int mutation = std::getenv("MUTATION") == nullptr ? -1 : std::atoi(std::getenv("MUTATION"));
