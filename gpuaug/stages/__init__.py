"""The stages of the kernel in PyTorch, one file each: for bytes, and for floats."""

from gpuaug.stages import blur, color, curves, erase, impulse, noise, statistics

# The stages after the geometry, in the kernel's order. Of curves and statistics, a draw has one at most.
STAGES = (
    *(blur.STAGE, color.STAGE, curves.STAGE, statistics.STAGE),
    *(noise.STAGE, impulse.STAGE, erase.STAGE),
)
