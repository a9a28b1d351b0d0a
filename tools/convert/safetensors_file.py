"""Reads and writes safetensors: eight bytes with the length of a header, the header in JSON, the numbers."""

import json
from pathlib import Path

import numpy as np

from convert.files import replace
from convert.problem import Problem

TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}


def read_header(path):
    """The header, and the bytes behind it."""
    content = Path(path).read_bytes()
    length = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + length])
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise Problem(f"{path}: not a safetensors file")
    return header, content[8 + length :]


def read_metadata(path):
    return read_header(path)[0].get("__metadata__", {})


def read(path):
    header, data = read_header(path)
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            begin, end = entry["data_offsets"]
            numbers, kind, shape = data[begin:end], entry["dtype"], entry["shape"]
        except (TypeError, KeyError, ValueError):
            raise Problem(f"{path}: a damaged safetensors file: {name} has no type, shape or place") from None
        if kind != "BF16" and kind not in TYPES:
            raise Problem(f"{path}: {name} is of type {kind}: convert it to float32 first")
        try:
            if kind == "BF16":  # the upper half of a float32
                array = (np.frombuffer(numbers, "<u2").astype("<u4") << 16).view("<f4")
            else:
                array = np.frombuffer(numbers, TYPES[kind])
            tensors[name] = array.reshape(shape)
        except (TypeError, ValueError):
            raise Problem(f"{path}: a damaged or truncated safetensors file: the numbers of {name} are not all there") from None
    return tensors


def write(path, tensors, metadata=None):
    """All as float32."""
    header, offset = {"__metadata__": metadata} if metadata else {}, 0
    arrays = {name: np.ascontiguousarray(array, "<f4") for name, array in tensors.items()}
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    replace(path, [len(text).to_bytes(8, "little") + text, *(array.tobytes() for array in arrays.values())])
