"""From trained weights to a file that runs anywhere. Needs the extra `[train]`."""
