"""The network: its cells, its weights on disk, its predictions. Needs the extra `[train]`."""
