"""Arrays by name ⇄ bytes as of `numpy.savez`, an uncompressed zip file, perhaps from an untrusted source."""

import io
import math
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_TEXT = 100  # characters

# How numpy begins an array in version 1 of its format.
_MAGIC = b"\x93NUMPY\x01\x00"
_HEAD = re.compile(
    rb"\{'descr': '([<|][A-Za-z]\d+)', 'fortran_order': False, "
    rb"'shape': \((\d{1,12}(?:, \d{1,12})*)?,?\), \} *\n"
)


def save(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as bytes."""
    data = io.BytesIO()
    np.savez(data, **arrays)  # type: ignore[arg-type]
    return data.getvalue()


class SavedArrays:
    """The arrays of a file; none is larger in memory than in the file.

    **Raises:** some error for bytes that were not saved by `save`; so do all methods.
    """

    def __init__(self, data: bytes) -> None:
        self._file = zipfile.ZipFile(io.BytesIO(data))
        for entry in self._file.infolist():
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                raise ValueError("compressed")

    def __contains__(self, name: str) -> bool:
        return f"{name}.npy" in self._file.namelist()

    def array(self, name: str, kind: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        """An array of this type and shape, all finite."""
        descriptor, found, data = self._open(name)
        if np.dtype(kind).str != descriptor or found != shape:
            raise ValueError(f"{name} is {descriptor}, {found}")
        array = np.frombuffer(data, kind).reshape(shape)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} is not finite")
        return array.copy()  # writable

    def beginning(self, start: str) -> set[str]:
        """The rest of the names with this beginning."""
        names = [name.removesuffix(".npy") for name in self._file.namelist()]
        return {name.removeprefix(start) for name in names if name.startswith(start)}

    def length(self, name: str) -> int:
        """The size of an array's last axis."""
        return self._open(name)[1][-1]

    def text(self, name: str) -> str:
        """An array that is a text."""
        descriptor, _, data = self._open(name)
        if not descriptor.startswith("<U") or len(data) > 4 * _MOST_TEXT:
            raise ValueError(f"{name} is not a text")
        return data.decode("utf-32-le")

    def _open(self, name: str) -> tuple[str, tuple[int, ...], bytes]:
        """The type of an array as numpy writes it, its shape, and its bytes."""
        data = self._file.read(f"{name}.npy")
        start = len(_MAGIC) + 2
        end = start + int.from_bytes(data[start - 2 : start], "little")
        head = _HEAD.fullmatch(data[start:end])
        if not data.startswith(_MAGIC) or not head:
            raise ValueError(f"{name} is not an array")
        shape = tuple(map(int, head[2].split(b", "))) if head[2] else ()
        descriptor = head[1].decode()
        if math.prod(shape) * np.dtype(descriptor).itemsize != len(data) - end:
            raise ValueError(f"{name} is not whole")
        return descriptor, shape, data[end:]
