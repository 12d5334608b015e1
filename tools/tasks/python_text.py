"""The text that every Python ships: the topics of its `help()`, pinned by digest."""

from __future__ import annotations

import functools
import hashlib
import platform

from sandbox.errors import BadInput

KNOWN = {
    "3.11.2": "7065199cfe2afcd056a9edb99c8ee5dcbabf55834972f17b9a0775f79e7aa85b",
    "3.11.7": "853505944682f68394b4bac08996a977b0d71f01cb49ef646ad8f8150e5779d6",
    "3.12.1": "461a03e3dbdb42a98873934e300e2430ede44242ccadfdeeb3f05a140734d49e",
    "3.13.0": "adc8731ac1b89eee998200975a5a05fe8b8d95990dd02339034bb7f74ded80c3",
    "3.14.2": "dd7a95553b7a663f27095f859f0e19a1f2a7aac12f3ecedcc839dcf20efd62af",
    "3.14.3": "0da3d5ccf7f6ec739716718a2728496ae6a2cf9320fded1d0287298229d5f908",
    "3.14.4": "ad54421c16f4f0f25fc3b4990cf060520b2d4c259b5a0acec97690f801b1581e",
    "3.14.5": "320bd2d71d457bb8fa9761bdb2ade8a1ce8fd62a769f89e153406d31cb936fe8",
    "3.14.6": "9a9ff6307558abc4cbfaf94e7061f6422aa73a96e48a1fe84933e5edf5d9e59a",
    "3.14.7": "86eba4e62be86c1d49bf508ee9bc96bb61961f19f83532d3f8e8057c6ae57291",
}
"""SHA-256 of all topics, by Python version; those of 3.14 were read from RustPython's copies.

Patch releases differ: from 3.11.2 to 3.11.7, 17 of 79 topics. Compare bits on one text only.
"""


@functools.cache
def python_text() -> str:
    """All topics in the order of their names, each paragraph once.

    Topics quote each other at length; a paragraph kept twice could stand in train and in test.
    Raises BadInput when the text is not one of the pinned ones.
    """
    from pydoc_data.topics import topics

    found = digest_of_topics(topics)
    if found not in KNOWN.values():
        raise BadInput(
            f"text: the help topics of Python {platform.python_version()} have the unknown "
            f"SHA-256 {found}",
            f"use Python {', '.join(KNOWN)}, or add the digest to tools/tasks/python_text.py",
        )
    return _once(topics)


def digest_of_topics(topics: dict[str, str]) -> str:
    """SHA-256 of names and texts: the same however the file that holds them is laid out."""
    pairs = (f"{name}\0{text}" for name, text in sorted(topics.items()))
    return hashlib.sha256("\0".join(pairs).encode()).hexdigest()


def _once(topics: dict[str, str]) -> str:
    seen: set[str] = set()
    kept = []
    for _, text in sorted(topics.items()):
        for paragraph in text.split("\n\n"):
            words = " ".join(paragraph.split())
            if words not in seen:
                seen.add(words)
                kept.append(paragraph)
    return "\n\n".join(kept)
