"""How tensors of the host come to a device: from pinned memory that is used again."""
