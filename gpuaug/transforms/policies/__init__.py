"""Policies: a few ops for each draw, chosen from a space; RandAugment and its kin."""
