"""Builds the recipes of a batch: one fixed-size record per draw, which says what the kernel does to it."""
