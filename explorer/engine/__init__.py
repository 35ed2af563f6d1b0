"""The model process: the only room with Keras.

`messages` and `client` are free of it, and may be imported anywhere; the rest is imported by the model process alone.
"""
