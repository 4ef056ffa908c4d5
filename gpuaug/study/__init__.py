"""One network, several ways to meet class imbalance, side by side: see ``python -m gpuaug study --help``."""
