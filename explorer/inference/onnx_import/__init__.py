"""Adapts ONNX files of other programs to this one, without converting what ONNX Runtime can run.

All of it runs in the reader process. `loading` reads and checks a file, `splitting` cuts one that holds both networks,
`understanding` finds the meaning of inputs and outputs, `batching` frees the number of images, and `adapting` adds the
operators between images and codes of this program and the network's own. `reading` is the reader, and `finishing` adds
the ranges of values that were found on real images.
"""
