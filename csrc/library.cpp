// The table of contents: every operator of gpuaug.
#include <torch/csrc/stable/library.h>

STABLE_TORCH_LIBRARY(gpuaug, library) {
  // One pass over a batch of draws (gpuaug/functional.py says what each argument is).
  library.def(
      "augment(Tensor storage, Tensor records, Tensor? table, int channels, int height, int width, bool interleaved, "
      "int stages, bool channels_last, Tensor? scale_shift=None) -> Tensor");
  // Values of 8 or 16 bits as levels, through a window for each draw (gpuaug/ops/to_levels.py says what each argument
  // is).
  library.def(
      "to_levels(Tensor storage, Tensor windows, Tensor records, int channels, bool interleaved, int values) "
      "-> Tensor");
  // Passes one after another, each on what the one before gave: `sizes` has the height and the width of each.
  library.def(
      "augment_in_turn(Tensor storage, Tensor[] records, Tensor? table, int channels, int[] sizes, bool interleaved, "
      "bool channels_last, Tensor? scale_shift=None) -> Tensor");
  // Images become sums of themselves and of their parts, by shares (gpuaug/ops/mix.py says what each argument is).
  library.def("mix(Tensor(a!) images, Tensor? rows, Tensor parts, Tensor shares) -> ()");
  // Draws (n, 3), index, copy and key, from their index and copy (n).
  library.def("keyed_draws(Tensor index, Tensor copy, int seed, int epoch) -> Tensor");
  // The draws at some positions of an epoch (gpuaug/sampling/order.py says what each argument is).
  library.def(
      "order(Tensor members, Tensor classes, Tensor bijections, Tensor positions, int seed, int epoch) -> Tensor");
  // Fills the records with what a program comes to (gpuaug/recipe/program.py says what that is); the union of their
  // stages.
  library.def(
      "assemble(Tensor(a!) records, Tensor[] columns, float[] constants, int[] code, int height, int width) -> int");
  // The first numbers in [0, 1) of each draw's parameter streams at some places in the chain: (sum of counts, n).
  library.def("uniform(Tensor keys, int[] places, int[] counts) -> Tensor");
  // Equalises images (N, C, H, W) in place, each channel by itself but alpha: contrast-limited, tile by tile of a grid
  // (gpuaug/ops/clahe.py says what each argument is).
  library.def("clahe(Tensor(a!) images, Tensor? rows, Tensor clip_limit, int down, int across) -> ()");
}
