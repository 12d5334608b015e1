"""A commented topic file to start from."""

from __future__ import annotations

from pathlib import Path

from sandbox.errors import BadInput

TEMPLATE = Path(__file__).parent / "topic_template.yaml"


def write_template(path: Path) -> Path:
    """Write the template to `path`. Raises BadInput when something is there already."""
    if path.exists():
        raise BadInput(f"{path} is there already", "name another file: `hanji init OTHER.yaml`")
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent} is not a folder", "make it first")
    try:
        path.write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}", "choose another folder") from error
    return path
