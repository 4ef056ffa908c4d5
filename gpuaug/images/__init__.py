"""Images in memory: dense batches, packed batches of different sizes, and the levels of pixels."""
