"""The model process: the only package that imports Keras.

`client`, `codecs`, `messages` and `served` do not, and may be imported anywhere; the other modules only by the model
process.
"""
