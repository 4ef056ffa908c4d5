"""The images of a study: where they come from, how they are split, and how they are made imbalanced."""
