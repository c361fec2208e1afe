"""The evaluate stage: how good a model is, and where. Needs the extra `[train]`."""
