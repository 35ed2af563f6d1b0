"""Import of models that others wrote: load what passed as harmless, find its halves, compile, write a bundle."""
