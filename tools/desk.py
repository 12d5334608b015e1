"""What desk tools may read: the literature and the run's evidence. They write nothing."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.ledger import Ledger
from tools.literature.library import Library


@dataclass(frozen=True)
class Desk:
    """The trusted side's reading table."""

    library: Library
    ledger: Ledger
