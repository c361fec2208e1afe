"""The prepare stage: a text → word ids, a dictionary, and what the text is. Needs the extra `[train]`."""
