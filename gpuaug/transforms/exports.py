"""The transforms that both gpuaug and gpuaug.transforms export: one line for each module.

The names are those of a module's ``__all__``. Type checkers and editors count a name imported with a star as
exported, so no list of names is kept beside the modules.
"""

# ruff: noqa: F403

from gpuaug.transforms.affine import *
from gpuaug.transforms.batched.clahe import *
from gpuaug.transforms.batched.color_axes import *
from gpuaug.transforms.batched.distortion import *
from gpuaug.transforms.batched.downscale import *
from gpuaug.transforms.batched.iso_noise import *
from gpuaug.transforms.batched.jpeg import *
from gpuaug.transforms.batched.sharpening import *
from gpuaug.transforms.batched.smoothing import *
from gpuaug.transforms.batched.superpixels import *
from gpuaug.transforms.blur import *
from gpuaug.transforms.canvas import *
from gpuaug.transforms.color import *
from gpuaug.transforms.compose import *
from gpuaug.transforms.curves import *
from gpuaug.transforms.erase import *
from gpuaug.transforms.geometry import *
from gpuaug.transforms.impulse import *
from gpuaug.transforms.noise import *
from gpuaug.transforms.normalize import *
from gpuaug.transforms.per_class import *
from gpuaug.transforms.perspective import *
from gpuaug.transforms.photometric import *
from gpuaug.transforms.policies.aug_mix import *
from gpuaug.transforms.policies.auto_augment import *
from gpuaug.transforms.policies.rand_augment import *
from gpuaug.transforms.policies.timm import *
from gpuaug.transforms.policies.trivial_augment import *
from gpuaug.transforms.sharpness import *
from gpuaug.transforms.statistics import *
from gpuaug.transforms.window import *
