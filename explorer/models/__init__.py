"""Models without Keras: architectures as lists of layers, the card, and the bundle on disk."""
