"""Learning on the device: a training graph and a text → a model file, or a model that learns as it reads."""

LEARNING_RATE = 2.0  # of dynamic evaluation
