"""The train stage: word ids → weights. Needs the extra `[train]`."""
