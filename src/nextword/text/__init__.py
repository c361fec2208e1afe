"""Text ⇄ words ⇄ ids. Needs numpy and nothing else."""
