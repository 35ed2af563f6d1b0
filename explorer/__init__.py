"""Latent Explorer: a desktop program to explore the latent space of image autoencoders."""

__version__ = "0.1.0"
