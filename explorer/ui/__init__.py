"""The window: a projection of the document."""
