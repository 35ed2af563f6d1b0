"""What the user works on: one immutable state, the one latent cursor in it, and signals for whoever shows it."""
