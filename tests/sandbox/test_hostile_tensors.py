"""The header of tensors that a job left: what is odd is refused, and nothing is opened."""

from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from sandbox.errors import OutputRejected
from sandbox.hostile_tensors import MOST_HEADER_BYTES, TensorHead, tensor_heads

ONE = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}


def written(folder: Path, header: object, body: bytes = b"\0" * 24, length: int = -1) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    file = folder / "model.safetensors"
    file.write_bytes(struct.pack("<Q", length if length >= 0 else len(text)) + text + body)
    return file


def test_what_safetensors_writes_is_read(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    tensors = {"a.weight": np.zeros((2, 3), np.float32), "b": np.zeros((), np.int64)}
    file.write_bytes(save(tensors, {"format": "pt"}))
    assert tensor_heads(file) == {
        "a.weight": TensorHead("F32", (2, 3)),
        "b": TensorHead("I64", ()),
    }


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (b"[]", "no table"),
        (b"{", "not acceptable JSON"),
        (b'{"a": 1, "a": 1}', "a key stands twice"),
        ({"a": 1}, "not described by type, shape and place"),
        ({"a": ONE | {"code": "x"}}, "not described by type, shape and place"),
        ({"a": ONE | {"dtype": "PICKLE"}}, "a type that is not known"),
        ({"a": ONE | {"dtype": ["F32"]}}, "a type that is not known"),
        ({"a": ONE | {"shape": [2, -3]}}, "a shape that cannot be"),
        ({"a": ONE | {"shape": [2, True]}}, "a shape that cannot be"),
        ({"a": ONE | {"shape": [1 << 39, 1 << 39]}}, "a shape that cannot be"),
        ({"a": ONE | {"shape": [1] * 9}}, "a shape that cannot be"),
        ({"a": ONE | {"shape": "23"}}, "a shape that cannot be"),
        ({"a": ONE | {"shape": [7]}}, "another size than its shape"),
        ({"a": ONE | {"data_offsets": [24, 0]}}, "another size than its shape"),
        ({"a": ONE | {"data_offsets": [0, 24, 48]}}, "another size than its shape"),
        ({"a": ONE | {"data_offsets": [8, 32]}}, "overlap or leave a gap"),
        ({"a": ONE, "b": ONE}, "overlap or leave a gap"),
        ({"a": ONE | {"shape": [2], "data_offsets": [0, 8]}}, "more or fewer bytes"),
        ({"a\n": ONE}, "not printable"),
        ({"a" * 301: ONE}, "too long or not printable"),
        ({"__metadata__": {"a": 1}}, "metadata that are not texts"),
        ({"__metadata__": []}, "metadata that are not texts"),
    ],
)
def test_a_header_that_is_odd_is_refused_in_one_sentence(
    header: object, says: str, tmp_path: Path
) -> None:
    with pytest.raises(OutputRejected, match=says) as caught:
        tensor_heads(written(tmp_path, header))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [0, 1, 1 << 20, MOST_HEADER_BYTES + 1, (1 << 64) - 1])
def test_a_header_of_another_length_than_it_says_is_refused(length: int, tmp_path: Path) -> None:
    with pytest.raises(OutputRejected):
        tensor_heads(written(tmp_path, {"a": ONE}, length=length))


def test_a_file_that_is_not_there_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputRejected, match="cannot be read"):
        tensor_heads(tmp_path / "gone.safetensors")
    (tmp_path / "empty.safetensors").touch()
    with pytest.raises(OutputRejected, match="not whole"):
        tensor_heads(tmp_path / "empty.safetensors")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 260))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data: bytes, length: int) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path_factory.mktemp("fuzz") / "x.safetensors"
    for text in (data, struct.pack("<Q", length) + data):
        file.write_bytes(text)
        with contextlib.suppress(OutputRejected):
            assert isinstance(tensor_heads(file), dict)
