"""The export stage: weights → files that run anywhere. Needs the extra `[train]`."""
