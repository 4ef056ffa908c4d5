"""The kernel's stages in PyTorch, one file each: a stage's words, bytes and floats side by side."""

from gpuaug.stages import blur, color, curves, erase, impulse, noise, statistics

# After the geometry, in the kernel's order. A draw's curves are either measured or not.
STAGES = (
    *(blur.STAGE, color.STAGE, curves.STAGE, statistics.STAGE),
    *(noise.STAGE, impulse.STAGE, erase.STAGE),
)
