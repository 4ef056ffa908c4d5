"""Copies of host tensors to a device, through pinned memory that is reused."""
