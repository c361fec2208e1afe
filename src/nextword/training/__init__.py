"""The workshop wing: from a text to trained weights. Needs the extra `[train]`."""
