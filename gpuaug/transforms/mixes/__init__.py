"""Mixes of two images of a batch, made after every transform; a result has two labels and a share."""
