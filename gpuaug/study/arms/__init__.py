"""The arms of a study: what each draws, how each transforms, and how a user writes one."""
