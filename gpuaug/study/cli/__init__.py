"""The commands ``study`` and ``preview``: their options, the checks of them, and what they run."""
