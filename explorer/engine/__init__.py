"""The model process: the only package that imports Keras.

`messages` and `client` do not, and may be imported anywhere; the other modules only by the model process.
"""
