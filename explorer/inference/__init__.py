"""Encoding and decoding without Keras."""
