"""Says which libraries are here; fails where the CUDA library is not."""

from __future__ import annotations

import sys

from gpuaug.ops import backends

print(backends.info())
sys.exit(not backends.has_cuda)
