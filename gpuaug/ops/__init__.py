"""The operators ``torch.ops.gpuaug``: schemas, backends, fake kernels, and references in plain PyTorch."""

from gpuaug.ops import operators as operators
