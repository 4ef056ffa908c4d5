// The schemas of all operators of gpuaug.
#include <torch/csrc/stable/library.h>

STABLE_TORCH_LIBRARY(gpuaug, library) {
  // One pass over a batch of draws (gpuaug/functional.py describes the arguments).
  library.def(
      "augment(Tensor storage, Tensor records, Tensor? table, int channels, int height, int width, bool interleaved, "
      "int stages, bool channels_last, Tensor? scale_shift=None) -> Tensor");
  // Turns values of 8 or 16 bits into levels, through a window for each draw (gpuaug/ops/to_levels.py describes the
  // arguments).
  library.def(
      "to_levels(Tensor storage, Tensor windows, Tensor records, int channels, bool interleaved, int values) "
      "-> Tensor");
  // Several passes, each on the result of the one before; `sizes` has the height and the width of each.
  library.def(
      "augment_in_turn(Tensor storage, Tensor[] records, Tensor? table, int channels, int[] sizes, bool interleaved, "
      "bool channels_last, Tensor? scale_shift=None) -> Tensor");
  // Replaces images by weighted sums of themselves and of other images (gpuaug/ops/mix.py describes the arguments).
  library.def("mix(Tensor(a!) images, Tensor? rows, Tensor parts, Tensor shares) -> ()");
  // Makes draws (n, 3), index, copy and key, from index and copy (n).
  library.def("keyed_draws(Tensor index, Tensor copy, int seed, int epoch) -> Tensor");
  // The draws at some positions of an epoch (gpuaug/sampling/order.py describes the arguments).
  library.def(
      "order(Tensor members, Tensor classes, Tensor bijections, Tensor positions, int seed, int epoch) -> Tensor");
  // Fills the records with the recipes that a program makes (see gpuaug/recipe/program.py); returns the union of their
  // stages.
  library.def(
      "assemble(Tensor(a!) records, Tensor[] columns, float[] constants, int[] code, int height, int width) -> int");
  // The first numbers, in [0, 1), of each draw's parameter streams at some places in the chain: (sum of counts, n).
  library.def("uniform(Tensor keys, int[] places, int[] counts) -> Tensor");
  // Contrast-limited adaptive histogram equalization of images (N, C, H, W), in place, each channel but alpha
  // separately (gpuaug/ops/clahe.py describes the arguments).
  library.def("clahe(Tensor(a!) images, Tensor? rows, Tensor clip_limit, int down, int across) -> ()");
}
