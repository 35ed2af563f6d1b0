"""Import of third-party models: load safe configurations, find encoder and decoder, compile, write a bundle."""
