"""A text field → suggestions, corrections, and what it learns of its user."""
