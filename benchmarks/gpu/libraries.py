"""Prints which libraries are available; fails if the CUDA library is missing."""

from __future__ import annotations

import sys

from gpuaug.ops import backends

print(backends.info())
sys.exit(not backends.has_cuda)
