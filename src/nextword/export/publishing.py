"""Weights → the five files of a model, all of them or none."""

import dataclasses
from contextlib import ExitStack
from pathlib import Path

import onnx

from nextword import outputs
from nextword.export import int8, parity, step, text, training
from nextword.export.parity import Evidence
from nextword.model.network import Network, Weights
from nextword.params import ExportParams
from nextword.runtime.metadata import Metadata


def publish(
    network: Network,
    weights: Weights,
    metadata: Metadata,
    evidence: Evidence,
    params: ExportParams,
    directory: Path,
) -> list[str]:
    """Writes the step graph and the text graph, in float16 and in int8, and the training graph.

    **Arguments:**

    - `network`: what the files must compute.
    - `weights`, `metadata`: what is written.
    - `evidence`: what the files are checked on.
    - `params`: how far a file may be off.
    - `directory`: where the files go.

    **Returns:** a readable line for each file.

    **Raises:** `ParityError` if a file does not compute what it should; then none is written.
    """
    step_file, int8_file, text_file, int8_text_file, training_file = (
        directory / f"nextword{kind}.onnx" for kind in ("", ".int8", ".text", ".int8.text", ".train")
    )
    metadata_int8 = dataclasses.replace(metadata, weights="int8")
    in_float, in_int8 = (
        build(weights, network.architecture, own.to_properties())
        for build, own in ((step.build, metadata), (int8.build, metadata_int8))
    )
    for_training = training.build(network, training.properties(network, metadata))
    with ExitStack() as stack:

        def write(path: Path, graph: onnx.ModelProto) -> Path:
            temporary = stack.enter_context(outputs.replacing(path))
            temporary.write_bytes(graph.SerializeToString(deterministic=True))
            return temporary

        float_path, int8_path = write(step_file, in_float), write(int8_file, in_int8)
        difference = parity.check(float_path, network, evidence, params.tolerance)
        accuracy = parity.check_int8(int8_path, float_path, evidence, params.max_accuracy_drop)
        parity.check_text(write(text_file, text.build(in_float, metadata)), float_path, evidence)
        parity.check_text(write(int8_text_file, text.build(in_int8, metadata_int8)), int8_path, evidence)
        apart = parity.check_training(write(training_file, for_training), network, evidence)
    notes = {
        step_file: f"logits within {difference:.1g} of PyTorch's",
        int8_file: f"accuracy {accuracy:.3%} over {len(evidence.windows):,} words of the training part",
        text_file: f"writes the same as {step_file.name}",
        int8_text_file: f"writes the same as {int8_file.name}",
        training_file: f"gradients within {apart:.1g} of PyTorch's",
    }
    return [f"{path}: {outputs.file_size(path.stat().st_size)}; {note}" for path, note in notes.items()]
