"""Encoded images: what holds them, and how a window of one is decoded."""
