"""The kernel's stages in PyTorch, one file each: a stage's words, bytes and floats side by side."""

from gpuaug.stages import blur, color, curves, erase, impulse, noise

# After the geometry, in the kernel's order.
STAGES = (blur.STAGE, color.STAGE, curves.STAGE, noise.STAGE, impulse.STAGE, erase.STAGE)
