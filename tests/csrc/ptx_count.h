// How many instructions threads execute, and how many their warps issue for them at the least.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace ptx {

// How often a thread has executed each run of instructions since its last barrier.
struct Turns {
  std::vector<uint64_t> of_run;
  std::vector<uint64_t> lengths;
  std::vector<size_t> begun;  // the runs that were executed at all

  void add(size_t run, uint64_t length) {
    if (of_run.size() <= run) {
      of_run.resize(run + 1);
      lengths.resize(run + 1);
    }
    if (of_run[run]++ == 0) begun.push_back(run);
    lengths[run] = length;
  }

  void clear() {
    for (const size_t run : begun) of_run[run] = 0;
    begun.clear();
  }
};

// From one barrier to the next a warp issues a run as often as its busiest lane executes it: more often where lanes
// that execute a run equally often come to it at different times.
class Warp {
 public:
  // What a lane did between its barriers number `interval` and the one before. Those of the next interval may come once
  // all lanes have told of this one.
  void join(uint64_t interval, const Turns& lane) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (interval != interval_) most_.clear();
    interval_ = interval;
    for (const size_t run : lane.begun) {
      for (; most_.of_run.size() <= run || most_.of_run[run] < lane.of_run[run]; instructions += lane.lengths[run]) {
        most_.add(run, lane.lengths[run]);
      }
    }
  }

  uint64_t instructions = 0;

 private:
  std::mutex mutex_;
  uint64_t interval_ = 0;
  Turns most_;
};

// Of one launch.
struct Counts {
  std::array<Warp, 32> warps;

  uint64_t of_warps() const {
    uint64_t sum = 0;
    for (const Warp& warp : warps) sum += warp.instructions;
    return sum;
  }
};

}  // namespace ptx
