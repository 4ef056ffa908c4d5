"""Mixes: images of a batch mixed with others, after every transform; a result has two labels and a share."""
