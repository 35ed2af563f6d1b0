"""Checks of an ONNX file before ONNX Runtime runs it in the window.

`structure` rejects operators that image networks do not need, `sizes` bounds every tensor, `trial` runs it once. The
checks run in the reader process, since the parsers are native; `admission` requests them, and `passed` caches results.
"""

MOST_AT_ONCE = 256
"""Maximum number of images or codes in one run."""
