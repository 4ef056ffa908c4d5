"""Encoded images: what holds them, their headers, and how a window of one is decoded."""
