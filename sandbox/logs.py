"""A job's output stream on disk: live, and bounded whatever the job writes."""

from __future__ import annotations

from pathlib import Path

TAIL_SHOWN_BYTES = 8192


class BoundedLog:
    """Keeps the head as it comes and the tail at the end; what lies between is counted."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        """Start the file afresh; at most about `max_bytes` will be in it."""
        self._file = path.open("wb", buffering=0)
        self._head_bytes = max_bytes * 3 // 4
        self._tail_bytes = max(max_bytes - self._head_bytes, 1)
        self._tail = bytearray()
        self._shown = bytearray()
        self.seen_bytes = 0

    def take(self, chunk: bytes) -> None:
        """Add what the job wrote next."""
        head = chunk[: max(self._head_bytes - self.seen_bytes, 0)]
        self.seen_bytes += len(chunk)
        self._file.write(head)
        self._tail += chunk[len(head) :]
        del self._tail[: -self._tail_bytes]
        self._shown += chunk[-TAIL_SHOWN_BYTES:]
        del self._shown[:-TAIL_SHOWN_BYTES]

    def close(self) -> str:
        """Write the tail and return the last lines, control characters escaped."""
        omitted = self.seen_bytes - self._head_bytes - len(self._tail)
        if omitted > 0:
            self._file.write(f"\n[{omitted} bytes left out]\n".encode())
        self._file.write(self._tail)
        self.release()
        return escaped(bytes(self._shown))

    def release(self) -> None:
        """Let go of the file as it is."""
        self._file.close()


def escaped(data: bytes) -> str:
    """Text that is safe on a terminal: printable, newlines and tabs; the rest as escapes."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text)
