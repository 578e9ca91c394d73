from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ledger.environment import Environment, put_new
from ledger.errors import Closed, UnsuitableDirectory


def ignore(point: str) -> None:
    """No fault."""


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return Environment(tmp_path, map_size=1 << 17)


def test_a_taken_key_is_never_overwritten_whether_appending_or_not(env: Environment) -> None:
    table, counts = env.table("entries"), list[int]()
    for items in ([(b"b", b"1"), (b"d", b"2")], [(b"b", b"X")], [(b"a", b"3"), (b"d", b"X")], [(b"e", b"4")]):
        env.write(lambda txn: counts.append(put_new(txn, table, items)), ignore)  # noqa: B023  # used at once
    with env.reading() as txn:
        held = {key: txn.get(key, db=table) for key in (b"a", b"b", b"d", b"e")}
    assert counts == [2, 0, 1, 1]
    assert held == {b"a": b"3", b"b": b"1", b"d": b"2", b"e": b"4"}
    env.close()


def test_a_failing_write_ends_although_readers_never_pause(env: Environment) -> None:
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            with env.reading() as txn:
                for number in range(50):
                    txn.get(b"%d" % number, db=env.table("entries"))

    readers = [threading.Thread(target=read, daemon=True) for _ in range(3)]
    for reader in readers:
        reader.start()

    def fail(txn: object) -> None:
        raise OSError("injected")

    for _ in range(5):
        with pytest.raises(OSError, match="injected"):
            env.write(fail, ignore)
    done.set()
    for reader in readers:
        reader.join()
    env.close()


def test_the_map_doubles_until_a_write_fits_and_the_write_happens_once(env: Environment) -> None:
    runs = []

    def change(txn: object) -> None:
        runs.append(put_new(txn, env.table("bodies"), [(b"%04d" % number, bytes(4000)) for number in range(300)]))

    env.write(change, ignore)
    assert runs == [300]  # the tries that did not fit ended before they counted
    assert env.map_size > 300 * 4096
    env.close()


def test_a_closed_environment_says_so(env: Environment) -> None:
    env.close()
    with pytest.raises(Closed), env.reading():
        pass
    with pytest.raises(Closed):
        env.write(lambda txn: None, ignore)


def test_a_place_without_files_is_not_founded_by_a_reader(tmp_path: Path) -> None:
    with pytest.raises(UnsuitableDirectory):
        Environment(tmp_path / "nothing", read_only=True)
    assert not (tmp_path / "nothing").exists()
