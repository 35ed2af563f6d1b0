"""What stands in the window; each panel takes the document and nothing else."""
