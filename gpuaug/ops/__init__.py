"""The operators ``torch.ops.gpuaug``: schemas, backends, fake kernels, and all of it in plain PyTorch."""

from gpuaug.ops import operators as operators
