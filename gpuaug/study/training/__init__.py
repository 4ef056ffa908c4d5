"""Trains one network under every arm and seed, and keeps the runs on disk so that they can resume."""
