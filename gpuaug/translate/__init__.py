"""Translation of other libraries' chains."""

from gpuaug.translate.albumentations import from_albumentations as from_albumentations
from gpuaug.translate.findings import TranslationWarning as TranslationWarning
from gpuaug.translate.torchvision import from_torchvision as from_torchvision

__all__ = ["TranslationWarning", "from_albumentations", "from_torchvision"]
