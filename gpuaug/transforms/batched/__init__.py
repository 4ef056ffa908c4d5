"""Transforms that run after the kernel, with PyTorch or kornia."""
