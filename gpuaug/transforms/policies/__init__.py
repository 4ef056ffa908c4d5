"""Policies such as RandAugment: a few ops for each draw, chosen from a space."""
