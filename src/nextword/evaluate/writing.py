"""The output of the evaluate stage: metrics, samples, and lines for the user."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextword import outputs
from nextword.evaluate import plots
from nextword.evaluate.report import Report
from nextword.evaluate.samples import Sample
from nextword.text.corpus import PARTS, Corpus

_FORMS = (("accuracy", ".3%"), ("perplexity", ".4f"))
# Control characters, old line ends, and code points that are not characters.
_NOT_IN_YAML = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes metrics, samples as text and as word ids, and plots."""

    metrics: Path
    samples: Path
    sample_ids: Path
    plots: Path


def write(report: Report, corpus: Corpus, context: int | None, paths: Outputs) -> None:
    """Writes metrics, samples and plots.

    **Arguments:**

    - `context`: of the model.
    """
    outputs.write_json(paths.metrics, metrics(report, corpus))
    pairs = zip(report.samples, report.drawn, strict=True)
    outputs.write_text(paths.samples, "\n".join(_shown(*pair, report.seen) for pair in pairs))
    ids = [{"prompt": sample.read, "continuation": sample.written} for sample in report.samples]
    outputs.write_json(paths.sample_ids, ids)
    plots.write(report, report.seen, context, paths.plots)


def metrics(report: Report, corpus: Corpus) -> dict[str, Any]:
    """A report as written to metrics.json: the figures of the training part, then those of the others."""
    training, size = report.parts[PARTS[0]], report.size
    figures: dict[str, Any] = {
        "words": training.words,
        "unknown_share": training.unknown_share,
        "model": vars(training.model)
        | {"parameters": size.parameters, "bytes": size.bytes, "steps": size.steps},
        "int8": vars(training.int8) | {"bytes": size.int8_bytes},
        "baselines": training.baselines,
        "best_possible": report.best_possible,
        **{name: part for name, part in report.parts.items() if part is not training},
        "samples": {
            "words": sum(len(sample.right) for sample in report.samples),
            "right": sum(sum(sample.right) for sample in report.samples),
            **report.originality,
        },
        "text": {"words": corpus.words, "dictionary": len(corpus.dictionary)},
    }
    found: dict[str, Any] = outputs.plain(figures)
    return found


def summary(report: Report) -> Iterator[str]:
    """A line for the model and one for its int8 version, for each part of the text."""
    for part, found in report.parts.items():
        where = "" if part == PARTS[0] else f", {part}"
        best = report.best_possible if part == PARTS[0] else None
        for name, quality in (("model", found.model), ("int8", found.int8)):
            said = [
                f"{figure} {getattr(quality, figure):{form}}"
                + (f" (at best {getattr(best, figure):{form}})" if best else "")
                for figure, form in _FORMS
            ]
            yield f"{name}{where}: {', '.join(said)}"
        if found.unknown_share:
            yield f"not in the dictionary{where}: {found.unknown_share:.2%} of the words"


def _shown(sample: Sample, drawn: Sample, corpus: Corpus) -> str:
    """A sample as five lines, as an item of a YAML list: DVC reads the file, which is a metric."""
    prompt, model, other, text = (
        _NOT_IN_YAML.sub(lambda found: ascii(found[0])[1:-1], corpus.join(ids).replace("\n", " / "))
        for ids in (sample.prompt, sample.continuation, drawn.continuation, sample.truth)
    )
    right = f"{sum(sample.right)} of {len(sample.right)} words stand in the text after the words before them"
    lines = f"prompt  {prompt}\nmodel   {model}\ndrawn   {other}\ntext    {text}\nright   {right}\n"
    return f"- |\n{textwrap.indent(lines, '  ')}"
