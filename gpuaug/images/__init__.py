"""Images in memory: a dense batch, a packed one of different sizes, and the levels of their pixels."""
