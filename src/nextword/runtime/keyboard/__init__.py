"""A text field → suggestions, corrections, and what is learned about its user."""
