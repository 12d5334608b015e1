import pytest

from agent.quantities import seconds, size
from sandbox.errors import BadInput


@pytest.mark.parametrize(
    ("written", "expected"),
    [("90s", 90), ("15m", 900), ("2h", 7200), ("1h30m", 5400), ("0.5m", 30), ("45", 45), (12, 12)],
)
def test_a_duration_is_read_as_people_write_it(written, expected):
    assert seconds(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [("512MiB", 512 << 20), ("2GiB", 2 << 30), ("1GB", 10**9), ("7", 7), (9, 9), ("1.5KiB", 1536)],
)
def test_a_size_is_read_as_people_write_it(written, expected):
    assert size(written) == expected


@pytest.mark.parametrize("written", ["soon", "5 minutes", "m5", "", "-3s"])
def test_what_is_no_duration_is_refused(written):
    with pytest.raises(BadInput, match="duration"):
        seconds(written)


@pytest.mark.parametrize("written", ["big", "5 Gib", "MiB"])
def test_what_is_no_size_is_refused(written):
    with pytest.raises(BadInput, match="size"):
        size(written)
