"""Encoded images: reading their bytes and headers, and decoding windows of them."""
