"""The `nextword` command."""
