"""Says which libraries are here; fails where the CUDA library is not."""

from __future__ import annotations

import sys

from gpuaug import _native

print(_native.info())
sys.exit(not _native.has_cuda)
