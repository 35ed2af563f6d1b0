"""Latent space without images and models: statistics, components, planes, traversals, sampling, animations."""
