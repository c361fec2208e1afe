"""The network: its cells, its weights on disk, what it predicts. Needs the extra `[train]`."""
