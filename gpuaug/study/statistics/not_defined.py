"""The error of a measure that a run does not have; a module of its own, which needs no other package."""


class NotDefinedError(ValueError):
    """A measure that a score does not have."""
