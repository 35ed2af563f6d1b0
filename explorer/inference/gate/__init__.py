"""What an ONNX file must pass before ONNX Runtime runs it in the window.

`structure` refuses what no image network needs, `sizes` bounds every tensor, `trial` runs it once. All that happens in
the reader process, since the parsers are native; `admission` asks for it, and `passed` remembers.
"""

MOST_AT_ONCE = 256
"""Most images or codes in one run."""
