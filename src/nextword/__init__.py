"""From a text to a next-word model on the edge.

An application needs `Generator`, `Sampling` for its settings, and `Keyboard` for several languages at
once; all errors are subclasses of `NextwordError`.
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextword.errors import NextwordError
    from nextword.runtime.generator import Generator
    from nextword.runtime.keyboard.keyboard import Keyboard
    from nextword.runtime.sampling import Sampling

# Telemetry is off: onnxruntime would write an id of the device into the user's cache folder.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
__all__ = ["Generator", "Keyboard", "NextwordError", "Sampling", "__version__"]


def __getattr__(name: str) -> Any:
    # Everything is imported on first use, so that `nextword --help` does not wait for
    # onnxruntime (PEP 562).
    if name == "Generator":
        from nextword.runtime.generator import Generator

        return Generator
    if name == "Keyboard":
        from nextword.runtime.keyboard.keyboard import Keyboard

        return Keyboard
    if name == "Sampling":
        from nextword.runtime.sampling import Sampling

        return Sampling
    if name == "NextwordError":
        from nextword.errors import NextwordError

        return NextwordError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
