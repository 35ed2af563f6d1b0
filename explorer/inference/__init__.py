"""Pictures to codes and back, without Keras."""
