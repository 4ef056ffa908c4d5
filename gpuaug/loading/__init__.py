"""Loaders: samples through a DataLoader, with their draws, to the device."""

from gpuaug.loading.collate import collate
from gpuaug.loading.curriculum import Curriculum
from gpuaug.loading.device_dataset import DeviceDataset
from gpuaug.loading.loader import BalancedLoader
from gpuaug.loading.with_draws import WithDraws

__all__ = ["BalancedLoader", "Curriculum", "DeviceDataset", "WithDraws", "collate"]
