"""Bytes that a job may leave within the rules, and what the harness reads them with."""

from __future__ import annotations

import io
import json
import math
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from sandbox.collect import read_json
from sandbox.policy import MIB
from tests.sandbox.attacks.attack import Content
from tools.merging.checkpoint import open_checkpoint

WEIGHTS = "model.safetensors"
FIRED: list[str] = []  # what a pickle did that was opened


def fire(word: str) -> None:
    """What the pickle calls."""
    FIRED.append(word)


class Bomb:
    """Acts when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return fire, ("fired",)


def _text(content: str | bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "result.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def _crashes(error: type[Exception]) -> Callable[[Path], bool]:
    """A reader that only expects what `json` documents is ended by another error."""

    def fools(path: Path) -> bool:
        try:
            json.loads(path.read_bytes())
        except error:
            return True
        return False

    return fools


def _reads(test: Callable[[object], bool]) -> Callable[[Path], bool]:
    return lambda path: test(json.loads(path.read_bytes()))


def _number(path: Path) -> float:
    return float(json.loads(path.read_bytes())["a"])


def _json(name: str, content: str | bytes, fools: Callable[[Path], bool]) -> Content:
    return Content(f"JSON that is {name}", _text(content), read_json, fools)


JSON = (
    _json("too long", '{"a": "' + "x" * MIB + '"}', lambda path: len(path.read_bytes()) > MIB),
    _json("deep", "[" * 40 + "]" * 40, _reads(lambda value: value == [[]] or bool(value))),
    _json("very deep", "[" * 100_000 + "]" * 100_000, _crashes(RecursionError)),
    _json("not a number", '{"a": NaN}', lambda path: math.isnan(_number(path))),
    _json("infinite", '{"a": -Infinity}', lambda path: math.isinf(_number(path))),
    _json("overflowing (1e999)", '{"a": 1e999}', lambda path: math.isinf(_number(path))),
    _json("one key twice", '{"a": 1, "a": 2}', _reads(lambda value: value == {"a": 2})),
    _json("five thousand digits", '{"a": ' + "1" * 5000 + "}", _crashes(ValueError)),
    _json("four thousand digits", '{"a": ' + "1" * 4000 + "}", lambda p: _overflows(p)),
    _json("five thousand decimals", '{"a": 0.' + "1" * 5000 + "}", lambda p: _number(p) > 0),
    _json("half a surrogate", '{"a": "\\ud800"}', lambda path: _cannot_be_written(path)),
    _json("no UTF-8", b'{"a": "\xff"}', _crashes(UnicodeDecodeError)),
    _json("a string without end", '"' + '\\"' * 500_000, _crashes(json.JSONDecodeError)),
    _json("ended by an escape", '["' + "\\" * 999_999, _crashes(json.JSONDecodeError)),
    _json("cut short", '{"a": 1', _crashes(json.JSONDecodeError)),
    _json("empty", "", _crashes(json.JSONDecodeError)),
)


def _overflows(path: Path) -> bool:
    try:
        _number(path)
    except OverflowError:
        return True
    return False


def _cannot_be_written(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())["a"].encode()
    except UnicodeEncodeError:
        return True
    return False


def weights(header: str | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file. length: what it says of its header, when that is not so."""
    head = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(head) if length is None else length) + head + data


def entry(shape: object, offsets: object = (0, 4), dtype: object = "F32", name: str = "w") -> str:
    """A header with one tensor."""
    return json.dumps({name: {"dtype": dtype, "shape": shape, "data_offsets": offsets}})


def _model(content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "config.json").write_text('{"architectures": ["GPTNeoXForCausalLM"]}')
        (folder / WEIGHTS).write_bytes(content)
        return folder

    return make


def _header(folder: Path) -> dict[str, dict[str, list[int]]]:
    """What a reader sees that believes the file."""
    data = (folder / WEIGHTS).read_bytes()
    header: dict[str, dict[str, list[int]]] = json.loads(
        data[8 : 8 + struct.unpack("<Q", data[:8])[0]]
    )
    return header


def _believes(test: Callable[[list[int], list[int]], bool]) -> Callable[[Path], bool]:
    def fools(folder: Path) -> bool:
        told = _header(folder)["w"]
        return test(told["shape"], told["data_offsets"])

    return fools


def _asks_for(folder: Path) -> bool:
    return struct.unpack("<Q", (folder / WEIGHTS).read_bytes()[:8])[0] > 1 << 40


def _header_crashes(folder: Path) -> bool:
    try:
        _header(folder)
    except RecursionError:
        return True
    return False


def _fires(folder: Path) -> bool:
    FIRED.clear()
    pickle.loads((folder / WEIGHTS).read_bytes())
    return FIRED == ["fired"]


def _zip_bomb() -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("model/data.pkl", bytes(64 * MIB))
    return into.getvalue()


def _unpacks_to_much(folder: Path) -> bool:
    small = (folder / WEIGHTS).stat().st_size
    with zipfile.ZipFile(folder / WEIGHTS) as packed:
        return len(packed.read("model/data.pkl")) > 500 * small


def _climbing_archive() -> bytes:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as packed:
        climbing = tarfile.TarInfo("../climbed")
        climbing.size = 4
        packed.addfile(climbing, io.BytesIO(b"here"))
    return into.getvalue()


def _climbs(folder: Path) -> bool:
    below = folder / "below"
    below.mkdir()
    with tarfile.open(folder / WEIGHTS) as packed:
        packed.extraction_filter = lambda member, path: member  # what each Python once did
        packed.extractall(below)
    return (folder / "climbed").exists()


def _weights(name: str, content: bytes, fools: Callable[[Path], bool]) -> Content:
    return Content(f"a checkpoint that is {name}", _model(content), open_checkpoint, fools)


HUGE = 1 << 62
CHECKPOINTS = (
    _weights("a pickle", pickle.dumps(Bomb()), _fires),
    _weights("a zip bomb", _zip_bomb(), _unpacks_to_much),
    _weights("an archive with names that climb", _climbing_archive(), _climbs),
    _weights("one huge header", weights("{}", length=HUGE), _asks_for),
    _weights(
        "a tensor of a huge shape",
        weights(entry([HUGE, 4]), bytes(4)),
        _believes(lambda shape, at: math.prod(shape) > HUGE),
    ),
    _weights(
        "a tensor of a shape with five thousand digits",
        weights(
            '{"w": {"dtype": "F32", "shape": [' + "9" * 4000 + '], "data_offsets": [0, 4]}}',
            bytes(4),
        ),
        _believes(lambda shape, at: shape[0] > HUGE),
    ),
    _weights(
        "a tensor of a negative shape",
        weights(entry([-1, -1]), bytes(4)),
        _believes(lambda shape, at: math.prod(shape) == 1),
    ),
    _weights(
        "a tensor larger than its bytes",
        weights(entry([1000]), bytes(4)),
        _believes(lambda shape, at: 4 * math.prod(shape) > at[1] - at[0]),
    ),
    _weights(
        "a tensor that ends before it begins",
        weights(entry([1], (8, 4)), bytes(8)),
        _believes(lambda shape, at: at[1] < at[0]),
    ),
    _weights(
        "a header of a hundred thousand levels",
        weights("[" * 100_000 + "]" * 100_000),
        _header_crashes,
    ),
    _weights(
        "one tensor's name twice",
        weights(
            '{"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, '
            + entry([2], (0, 8))[1:],
            bytes(8),
        ),
        _believes(lambda shape, at: shape == [2]),
    ),
)
