"""Learning on the device: a training graph and a text → a model file."""
