// The op `clahe` on the CPU: threads share the channels of a batch, or parts of them if there are few.
#include "common/clahe.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/util/Exception.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "cpu/clahe_plane.h"
#include "host/clahe_call.h"

namespace gpuaug {
namespace {

using torch::stable::Tensor;

Plane plane_of(const ClaheCall& call, int64_t plane) {
  const int64_t image = call.image_of(plane / call.colored), channel = plane % call.colored;
  return {call.images + image * call.strides[0] + channel * call.strides[1], call.strides[2], call.strides[3]};
}

float limit_of(const ClaheCall& call, int64_t plane) { return call.clip_limit[plane / call.colored * call.clip_step]; }

// The tables of a plane are still in the cache when its pixels need them.
void run_planes(const ClaheCall& call) {
  torch::stable::parallel_for(0, call.planes(), 1, [&](int64_t begin, int64_t end) {
    ClaheRows rows(call.grid);
    std::vector<uint8_t> tables(static_cast<size_t>(call.grid.tiles() * kLevels));
    for (int64_t n = begin; n < end; ++n) {
      const Plane plane = plane_of(call, n);
      for (int64_t row = 0; row < call.grid.rows.tiles; ++row) {
        rows.make_tables(plane, row, limit_of(call, n), tables.data());
      }
      for (int64_t row = 0; row < call.grid.rows.cells(); ++row) rows.blend(plane, row, tables.data());
    }
  });
}

// First the tables, by rows of tiles; then the pixels, by rows of cells.
void run_parts(const ClaheCall& call) {
  const int64_t entries = call.grid.tiles() * kLevels;
  std::vector<uint8_t> tables(static_cast<size_t>(call.planes() * entries));
  const auto share_out = [&](int64_t parts, const auto& run) {
    torch::stable::parallel_for(0, call.planes() * parts, 1, [&](int64_t begin, int64_t end) {
      ClaheRows rows(call.grid);
      for (int64_t unit = begin; unit < end; ++unit) run(rows, unit / parts, unit % parts);
    });
  };
  share_out(call.grid.rows.tiles, [&](ClaheRows& rows, int64_t n, int64_t row) {
    rows.make_tables(plane_of(call, n), row, limit_of(call, n), tables.data() + n * entries);
  });
  share_out(call.grid.rows.cells(), [&](ClaheRows& rows, int64_t n, int64_t row) {
    rows.blend(plane_of(call, n), row, tables.data() + n * entries);
  });
}

}  // namespace

void clahe_cpu(Tensor images, const std::optional<Tensor>& rows, const Tensor& clip_limit, int64_t down,
               int64_t across) {
  const ClaheCall call = clahe_call(images, rows, clip_limit, down, across);
  // As rows ascend, no two threads change the same image.
  for (int64_t n = 0; rows && n < call.draws; ++n) {
    STD_TORCH_CHECK(call.has(call.image_of(n)) && (n == 0 || call.image_of(n - 1) < call.image_of(n)),
                    "rows must ascend within [0, ", call.count, ")");
  }
  constexpr int64_t kFewPlanes = 4;  // per thread; with fewer, some threads would wait long for others
  if (call.planes() >= kFewPlanes * static_cast<int64_t>(torch::stable::get_num_threads())) {
    run_planes(call);
  } else {
    run_parts(call);
  }
}

}  // namespace gpuaug

STABLE_TORCH_LIBRARY_IMPL(gpuaug, CPU, library) { library.impl("clahe", TORCH_BOX(&gpuaug::clahe_cpu)); }
