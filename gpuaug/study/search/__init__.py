"""Looks for the best techniques and strengths before the study proper, on images held out of the training."""
