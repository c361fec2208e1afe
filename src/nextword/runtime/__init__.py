"""A model file → text. Needs numpy and onnxruntime, and nothing else."""
