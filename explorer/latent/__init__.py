"""Geometry of the code space: statistics, axes, planes, traversals, samples, films. No pictures, no models."""
