"""Recipes: one fixed-size record for each draw of a batch, which the kernel executes."""
