"""Weights → the four files of a model, all of them or none."""

from contextlib import ExitStack
from pathlib import Path

import onnx

from nextword import files
from nextword.export import parity, quantize, step_graph, text_graph
from nextword.export.parity import Evidence
from nextword.export.step_graph import Weights
from nextword.metadata import Metadata
from nextword.training.model import NextWordModel

STEP, INT8, TEXT, INT8_TEXT = (
    Path("models") / f"nextword{kind}.onnx" for kind in ("", ".int8", ".text", ".int8.text")
)


def publish(
    weights: Weights,
    metadata: Metadata,
    model: NextWordModel,
    evidence: Evidence,
    *,
    tolerance: float,
    max_accuracy_drop: float,
) -> list[str]:
    """Writes the step graph and the text graph, in float16 and in int8.

    **Arguments:**

    - `weights`, `metadata`: what is written.
    - `model`: what it has to compute.
    - `evidence`: on what that is checked.
    - `tolerance`, `max_accuracy_drop`: as of `parity.check` and `parity.check_int8`.

    **Returns:** a line for a person on each file.

    **Raises:** `ParityError` where a file does not compute what it should; then none is written.
    """
    properties = metadata.to_properties()
    step, int8 = (build(weights, metadata.layers, properties) for build in (step_graph.build, quantize.build))
    with ExitStack() as stack:

        def write(path: Path, graph: onnx.ModelProto) -> Path:
            temporary = stack.enter_context(files.replacing(path))
            temporary.write_bytes(graph.SerializeToString(deterministic=True))
            return temporary

        step_path, int8_path = write(STEP, step), write(INT8, int8)
        difference = parity.check(step_path, model, evidence, tolerance)
        accuracy = parity.check_int8(int8_path, step_path, evidence, max_accuracy_drop)
        parity.check_text(write(TEXT, text_graph.build(step, metadata)), step_path, evidence)
        parity.check_text(write(INT8_TEXT, text_graph.build(int8, metadata)), int8_path, evidence)
    notes = {
        STEP: f"logits within {difference:.1g} of PyTorch's",
        INT8: f"accuracy {accuracy:.3%} on this machine",
        TEXT: f"writes what {STEP.name} writes",
        INT8_TEXT: f"writes what {INT8.name} writes",
    }
    return [f"{path}: {path.stat().st_size / 1e6:.1f} MB; {note}" for path, note in notes.items()]
