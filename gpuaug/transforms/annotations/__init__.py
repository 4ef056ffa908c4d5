"""Masks, boxes and keypoints, moved with the images that they belong to."""
