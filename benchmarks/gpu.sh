#!/usr/bin/env bash
# On a machine with a GPU: builds gpuaug in place for that GPU, runs the tests with CUDA required, times the kernels.
# PYTHON needs torch, setuptools, kornia, torchvision and pytest with the packages of the extra "test"; nothing is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"

capability=$("$PYTHON" -c 'import torch; print("%d.%d" % torch.cuda.get_device_capability())') \
  || { echo 'make gpu needs a GPU that torch can use' >&2; exit 1; }
export TORCH_CUDA_ARCH_LIST="${TORCH_CUDA_ARCH_LIST:-$capability}"
FORCE_CUDA=1 "$PYTHON" setup.py build_ext --inplace
"$PYTHON" -c 'from gpuaug import _native; print(_native.info())'

# The kernels are timed even where a test fails: a GPU may not be at hand again soon. Wrong results are not timed.
tests=0
"$PYTHON" -m pytest --require-cuda || tests=$?
"$PYTHON" benchmarks/kernels.py
exit "$tests"
