"""Rows in columns, as wide as the terminal; wide characters count as two."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 240


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table. Cells wrap on a terminal; in a pipe, lines stay whole up to PIPE_WIDTH."""
    table = Table(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(head), header_style=""
    )
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH
    page = io.StringIO()
    Console(file=page, width=width, markup=False, highlight=False, emoji=False).print(table)
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines())
