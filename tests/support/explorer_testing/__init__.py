"""What tests of several rooms build on: a codec without a network, and models, pictures and bundles made of it."""
