"""params.yaml as typed, validated objects: one frozen class per section."""

import difflib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from nextword.errors import ParamsError
from nextword.model.cells import CELLS

_LEAST_SUBWORDS = 300


def _whole(low: int, high: int) -> Any:
    return Field(ge=low, le=high, description=f"a whole number from {low} to {high}")


def _between(low: float, high: float) -> Any:
    return Field(ge=low, le=high, description=f"a number from {low:g} to {high:g}")


def _above_zero(high: float) -> Any:
    return Field(gt=0, le=high, description=f"a number above 0, up to {high:g}")


_inside = Field(min_length=1, description="the name of a file or folder in the folder prepare.text, or null")


class _Section(BaseModel):
    # Strict: "3" is not 3, and true is not 1. Every key is required, so that params.yaml is
    # the only place where a value is set.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PrepareParams(_Section):
    """How the text is read. The keys are explained in params.yaml."""

    text: Annotated[str, Field(min_length=1, description="the path of a text file, or of a folder of them")]
    split_by: Literal["whitespace", "words", "characters", "subwords"] = Field(
        description="whitespace, words, characters or subwords"
    )
    lowercase: bool = Field(description="true or false")
    line_ends: bool = Field(description="true or false")
    max_words: Annotated[int, _whole(0, 10**7)]
    min_count: Annotated[int, _whole(1, 10**9)]
    held_out: Annotated[float, _between(0, 0.9)]
    validation: Annotated[str | None, _inside]
    test: Annotated[str | None, _inside]

    @model_validator(mode="after")
    def _values_fit_together(self) -> Self:
        if self.max_words == 1:
            raise _misfit("max_words", 1, "leaves no word besides <unk> and", "0, or at least 2")
        if self.split_by == "subwords":
            beside = "with prepare.split_by subwords"
            if self.max_words < _LEAST_SUBWORDS:
                allowed = f"at least {_LEAST_SUBWORDS}, of which 258 are bytes and marks"
                raise _misfit("max_words", self.max_words, beside, allowed)
            if self.min_count > 1:
                raise _misfit("min_count", self.min_count, beside, "1, since no word is unknown")
        if self.held_out and (self.validation or self.test):
            beside = f"together with prepare.{'validation' if self.validation else 'test'}"
            allowed = "0, or null for prepare.validation and prepare.test"
            raise _misfit("held_out", f"{self.held_out:g}", beside, allowed)
        return self


class TrainParams(_Section):
    """The model and how it is trained. The keys are explained in params.yaml."""

    seed: Annotated[int, _whole(0, 2**32 - 1)]
    cell: str = Field(description=", ".join(CELLS))
    context: Annotated[int | None, Field(ge=1, le=1000, description="a whole number from 1 to 1000, or null")]
    embedding: Annotated[int, _whole(1, 8192)]
    hidden: Annotated[int, _whole(1, 8192)]
    layers: Annotated[int, _whole(1, 16)]
    tied: bool = Field(description="true or false")
    dropout: Annotated[float, _between(0, 0.95)]
    output_dropout: Annotated[float, _between(0, 0.95)]
    locked_dropout: Annotated[float, _between(0, 0.95)]
    embedding_dropout: Annotated[float, _between(0, 0.95)]
    weight_dropout: Annotated[float, _between(0, 0.95)]
    precision: Literal["float64", "float32", "bfloat16"] = Field(description="float64, float32 or bfloat16")
    learning_rate: Annotated[float, _above_zero(1)]
    warmup_steps: Annotated[int, _whole(0, 10**9)]
    schedule: Literal["constant", "linear", "cosine"] = Field(description="constant, linear or cosine")
    weight_decay: Annotated[float, _between(0, 10)]
    averaging: Annotated[float, _between(0, 0.99999)]
    clip: Annotated[float, _above_zero(1e6)]
    softmax_samples: Annotated[int, _whole(0, 10**7)]
    batch: Annotated[int, _whole(1, 65536)]
    words_per_step: Annotated[int, _whole(1, 10000)]
    max_steps: Annotated[int, _whole(1, 10**9)]
    stop_within: Annotated[float, _between(0, 100)]
    patience: Annotated[int, _whole(0, 10**6)]

    @field_validator("cell")
    @classmethod
    def _cell_exists(cls, cell: str) -> str:
        if cell not in CELLS:
            raise PydanticCustomError("unknown_cell", "there is no such cell")
        return cell

    @model_validator(mode="after")
    def _values_fit_together(self) -> Self:
        if not CELLS[self.cell].states:
            if self.context is None:
                recurrent = ", ".join(name for name, cell in CELLS.items() if cell.states)
                raise _misfit("cell", self.cell, "without train.context", f"{recurrent}, or a train.context")
            if self.weight_dropout:
                beside = f"with train.cell {self.cell}, which has no recurrent weights,"
                raise _misfit("weight_dropout", self.weight_dropout, beside, "0")
        if self.patience and self.context is not None:
            raise _misfit(
                "patience", self.patience, f"with train.context {self.context}", "0, or train.context null"
            )
        if self.warmup_steps > self.max_steps:
            raise _misfit("warmup_steps", self.warmup_steps, "", f"at most train.max_steps, {self.max_steps}")
        return self


class EvaluateParams(_Section):
    """What the evaluation shows. The keys are explained in params.yaml."""

    samples: Annotated[int, _whole(1, 1000)]
    words: Annotated[int, _whole(1, 10000)]


class ExportParams(_Section):
    """What an exported file must prove. The keys are explained in params.yaml."""

    tolerance: Annotated[float, _above_zero(1)]
    max_accuracy_drop: Annotated[float, _between(0, 1)]


class Params(_Section):
    """All of params.yaml."""

    prepare: PrepareParams
    train: TrainParams
    evaluate: EvaluateParams
    export: ExportParams

    @model_validator(mode="after")
    def _sections_fit_together(self) -> Self:
        if self.train.patience and not (self.prepare.held_out or self.prepare.validation):
            beside = "without a validation part"
            allowed = "0, or prepare.held_out above 0, or prepare.validation"
            raise _misfit("train.patience", self.train.patience, beside, allowed)
        return self


def _misfit(key: str, value: Any, beside: str, allowed: str) -> PydanticCustomError:
    """An error for a value that is allowed, but not together with another one."""
    message = " ".join(f"{key}: {value} {beside}".split()) + f" is not allowed; allowed: {allowed}"
    return PydanticCustomError("misfit", "{message}", {"message": message})


def load(path: Path) -> Params:
    """Reads and checks a params file.

    **Arguments:**

    - `path`: for instance `params.yaml`.

    **Raises:** `ParamsError` with the key, the value and what is allowed.
    """
    try:
        # YAML 1.2 as DVC reads it: there `1e-3` is a number.
        values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path} not found; run from the directory that contains it") from None
    except MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ParamsError(f"{path}{line}: not valid YAML: {error.problem}") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: not valid YAML: {error}") from None
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        # A mistyped key is both unknown and missing under its right name: the former says more.
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        raise ParamsError(f"{path}: {_explain(first)}") from None


def _explain(error: Any) -> str:
    """One of pydantic's errors in one line: the key, the value, what is allowed."""
    path = error["loc"]
    if error["type"] == "misfit":
        return ".".join([*map(str, path), error["msg"]])
    if not path:
        return f"empty, or not a mapping; allowed: {', '.join(Params.model_fields)}"
    key, value = ".".join(map(str, path)), json.dumps(error["input"], default=str)
    value = value if len(value) <= 40 else f"{value[:37]}..."
    section: type[BaseModel] = Params
    for part in path[:-1]:
        section = cast("type[BaseModel]", section.model_fields[part].annotation)
    if error["type"] == "extra_forbidden":
        allowed = ", ".join(section.model_fields)
        alike = difflib.get_close_matches(str(path[-1]), section.model_fields, 1)
        meant = f" (did you mean {alike[0]}?)" if alike else ""
        return f"{key}: {value}: unknown key{meant}; allowed: {allowed}"
    allowed = section.model_fields[path[-1]].description or "a mapping"
    if error["type"] == "missing":
        return f"{key} is missing; allowed: {allowed}"
    return f"{key}: {value} is not allowed; allowed: {allowed}"
