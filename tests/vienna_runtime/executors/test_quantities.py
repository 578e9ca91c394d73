from __future__ import annotations

import pytest

from vienna_runtime.executors.quantities import octets, seconds


@pytest.mark.parametrize(("written", "meant"), [("500ms", 0.5), ("30s", 30.0), ("5m", 300.0), ("1h", 3600.0)])
def test_a_duration_is_read_as_written(written: str, meant: float) -> None:
    assert seconds(written) == meant


@pytest.mark.parametrize(("written", "meant"), [("0B", 0), ("512B", 512), ("64KiB", 65_536), ("2GiB", 2 << 30)])
def test_a_size_is_read_as_written(written: str, meant: int) -> None:
    assert octets(written) == meant


@pytest.mark.parametrize("written", ["", "30", "0s", "-1s", "1.5s", "1 s", "1d", "٣s", "1S", "30s\n", "9999999999s"])
def test_a_duration_in_doubt_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        seconds(written)


@pytest.mark.parametrize("written", ["", "64", "64KB", "64k", "-1B", "01B", "1.5MiB"])
def test_a_size_in_doubt_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="expected a size"):
        octets(written)
