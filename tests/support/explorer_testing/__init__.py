"""What tests of several rooms build on: a codec without a network, and models, images and bundles made of it."""
