"""What the page "Watch it learn" needs to know of the story: its text, and the sum of the weights made of it.

Run it as `python playground/story.py > playground/vendor/story.json`.
"""

import hashlib
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Prints the text, and the SHA-256 of the weights that the train stage has made of it."""
    weights = (ROOT / "models" / "trained" / "weights.safetensors").read_bytes()
    text = (ROOT / "data" / "story.txt").read_text(encoding="utf-8")
    print(json.dumps({"text": text, "sum": hashlib.sha256(weights).hexdigest()}))


if __name__ == "__main__":
    main()
