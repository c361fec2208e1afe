"""The prepare stage: a text → word ids, a dictionary, and statistics. Needs the extra `[train]`."""
