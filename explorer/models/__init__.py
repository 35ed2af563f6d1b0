"""What a model is, without Keras: architectures as layer lists, the card, and the bundle on disk."""
