"""From the epochs of all runs to summaries, paired differences and a verdict on each arm."""
