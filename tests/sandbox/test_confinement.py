"""What the probes find and promise; the attacks themselves are in test_attacks.py."""

from __future__ import annotations

from sandbox.backend import Backend


def test_the_probe_finds_every_limit_enforced(bubblewrap: Backend) -> None:
    found = bubblewrap.probe()
    assert found.confined, found.enforced
    assert found.warm, found.notes
    assert found.level == "bubblewrap"


def test_the_process_backend_promises_nothing(process: Backend) -> None:
    found = process.probe()
    assert not found.confined
    assert not any(found.enforced.values())
    assert found.level == "unconfined"
