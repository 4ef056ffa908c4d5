// The table of contents: every operator of gpuaug.
#include <torch/csrc/stable/library.h>

STABLE_TORCH_LIBRARY(gpuaug, library) {
  // One pass over a batch of draws (gpuaug/functional.py says what each argument is).
  library.def(
      "augment(Tensor storage, Tensor records, Tensor? table, int channels, int height, int width, bool interleaved, "
      "int stages, bool channels_last, Tensor? line=None) -> Tensor");
  // The draws at some positions of an epoch (gpuaug/sampling/order.py says what each argument is).
  library.def(
      "order(Tensor members, Tensor classes, Tensor bijections, Tensor positions, bool shuffled, int seed, int epoch) "
      "-> Tensor");
  // Philox4x32-10 of every counter (..., 4) under its key (...).
  library.def("philox(Tensor counter, Tensor key) -> Tensor");
  // The first words of each draw's parameter stream at one place in the chain.
  library.def("words(Tensor keys, int place, int count) -> Tensor");
}
