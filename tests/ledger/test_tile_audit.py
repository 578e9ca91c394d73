"""Whatever is changed below an exported log is found, and named."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger import Batch, Draft, Ledger, VerificationError, leaf_hash, open_checkpoint
from ledger.checkpoint import Checkpoint
from ledger.note import unverified_note
from ledger.tile_audit import Audited, Headers, audit_tiles
from ledger.tile_export import export
from ledger.tile_paths import ENTRIES, WIDTH, Tile, tiles_of
from ledger.tile_reader import fold
from ledger.tiles import bundle
from ledger.tree import root_over

LOG = "belvedere"


class Log:
    """Entries of any kind as a source."""

    witnessed = None

    def __init__(self, entries: list[bytes]) -> None:
        self._entries, self._levels = entries, [[leaf_hash(entry) for entry in entries]]
        while len(self._levels[-1]) >= WIDTH:
            last = self._levels[-1]
            self._levels.append([fold(last[at : at + WIDTH]) for at in range(0, len(last) - WIDTH + 1, WIDTH)])
        self.checkpoint = Checkpoint("anybody.example/log", len(entries), root_over(entries))
        self.note = f"{self.checkpoint.text()}\n\N{EM DASH} anybody.example/log AAAAAAA=\n".encode()

    def content(self, tile: Tile) -> bytes:
        at, until = tile.start, tile.start + tile.width
        return bundle(self._entries[at:until]) if tile.level == ENTRIES else b"".join(self._levels[tile.level][at:until])

    def heads(self, bundle: Tile) -> bytes | None:
        return None

    def root_at(self, size: int) -> bytes:
        return root_over(self._entries[:size])


def audit(target: Path, checkpoint: Checkpoint | None = None, *, headers: bool = True) -> Audited:
    known = Checkpoint.parse(unverified_note((target / "checkpoint").read_bytes()).text) if checkpoint is None else checkpoint
    return audit_tiles(target, known, on_entries=Headers(LOG)) if headers else audit_tiles(target, known)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of three levels, exported at two sizes."""
    target, entries = tmp_path_factory.mktemp("large"), [b"%d" % number for number in range(66_000)]
    export(Log(entries[:65_900]), target)
    export(Log(entries), target)
    return target


def test_a_sound_directory_says_what_it_holds(large: Path) -> None:
    found = audit(large, headers=False)
    expected = {tile.path for size in (65_900, 66_000) for tile in tiles_of(size)}
    assert (found.size, found.files, found.beyond) == (66_000, len(expected), 0)


@pytest.mark.parametrize(
    "name",
    [
        *("tile/0/000", "tile/0/200", "tile/0/256", "tile/0/257.p/208", "tile/0/257.p/108", "tile/1/000", "tile/1/001.p/1"),
        *("tile/2/000.p/1", "tile/entries/000", "tile/entries/257.p/208", "tile/entries/257.p/108"),
    ],
)
def test_a_flipped_bit_is_found_in_every_kind_of_file(large: Path, tmp_path: Path, name: str) -> None:
    target = copied(large, tmp_path)
    whole = (target / name).read_bytes()
    for bit in random.Random(7).sample(range(len(whole) * 8), 2):  # a sample, of nothing secret
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        (target / name).write_bytes(changed)
        with pytest.raises(VerificationError, match=r"tile/|root"):
            audit(target, headers=False)
    (target / name).write_bytes(whole)


def copied(source: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(source, tmp_path / "copy"))


def small(ledger: Ledger, target: Path) -> Path:
    for count in (270, 9):
        at = ledger.head(LOG).size
        drafts = tuple(Draft("word.said/1", 10 + number, "ada", b"") for number in range(count))
        ledger.append_many([Batch(LOG, at, drafts)])
        export(_Now(ledger), target)
    return target


class _Now:
    witnessed = None

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self.note = ledger, ledger.head(LOG).checkpoint
        self.checkpoint = Checkpoint.parse(unverified_note(self.note).text)

    def content(self, tile: Tile) -> bytes:
        return self._ledger.tile(LOG, tile)

    def heads(self, bundle: Tile) -> bytes | None:
        return None

    def root_at(self, size: int) -> bytes:
        return self._ledger.root_at(LOG, size)


def test_every_byte_of_a_small_export_counts(ledger: Ledger, keys: object, tmp_path: Path) -> None:
    target = small(ledger, tmp_path / "out")
    key, chance, tried = keys.verifier(LOG), random.Random(11), 0  # type: ignore[attr-defined]  # a sample, of nothing secret
    for path in sorted(path for path in target.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        positions = range(len(whole)) if path.name == "checkpoint" else chance.sample(range(len(whole)), min(12, len(whole)))
        for at in positions:
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :])
            with pytest.raises(VerificationError):
                audit(target, open_checkpoint((target / "checkpoint").read_bytes(), key))
            tried += 1
        path.write_bytes(whole)
    assert tried > 250
    assert audit(target, open_checkpoint((target / "checkpoint").read_bytes(), key)).size == 279


Change = Callable[[Path], object]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda t: (t / "tile/entries/000").unlink(), "tile/entries/000 is missing"),
        (lambda t: (t / "tile/1/000.p/1").unlink(), r"tile/1/000\.p/1 is missing"),
        (lambda t: (t / "tile/0/000").write_bytes((t / "tile/0/000").read_bytes()[:-32]), "tile/0/000: a tile of 8160 bytes"),
        (lambda t: (t / "tile/0/000").write_bytes((t / "tile/0/000").read_bytes() + b"x"), "tile/0/000: a tile of 8193 bytes"),
        (lambda t: (t / "tile/entries/001.p/23").write_bytes(b""), r"tile/entries/001\.p/23: a bundle of 0 whole entries"),
        (lambda t: (t / "tile/0/notes.txt").write_bytes(b"hello"), r"tile/0/notes\.txt is no tile"),
        (lambda t: (t / "tile/0/001.p/14").write_bytes(bytes(14 * 32)), r"tile/0/001\.p/14 differs from the same part"),
        (lambda t: (t / "tile/0/000.p/").mkdir() or (t / "tile/0/000.p/3").write_bytes(bytes(96)), r"tile/0/000\.p/3 differs"),
        (lambda t: (t / "tile/0/000.p/").mkdir() or (t / "tile/0/000.p/3").write_bytes(bytes(95)), r"tile/0/000\.p/3: a tile of 95"),
    ],
)
def test_what_is_wrong_is_named(ledger: Ledger, tmp_path: Path, change: Change, named: str) -> None:
    target = small(ledger, tmp_path / "out")
    change(target)
    with pytest.raises(VerificationError, match=named):
        audit(target)


def test_a_full_tile_that_stands_for_a_partial_one_will_do_and_its_rest_is_said_to_be_beyond(ledger: Ledger, tmp_path: Path) -> None:
    target = small(ledger, tmp_path / "out")
    before = open_size(target)
    at = ledger.head(LOG).size
    ledger.append_many([Batch(LOG, at, tuple(Draft("word.said/1", 900 + number, "ada", b"") for number in range(400)))])
    export(_Now(ledger), target)
    found = audit(target, before)
    assert (found.size, found.beyond) == (279, 5)  # of 001 twice, of 002.p/167 twice, and a level above


def open_size(target: Path) -> Checkpoint:
    return Checkpoint.parse(unverified_note((target / "checkpoint").read_bytes()).text)


def test_entries_that_are_no_headers_of_their_place_are_found_where_headers_are_expected(tmp_path: Path) -> None:
    export(Log([b"anything"]), tmp_path)
    assert audit(tmp_path, headers=False).size == 1
    with pytest.raises(VerificationError, match="'belvedere', index 0: the header is not msgpack"):
        audit(tmp_path)


def test_entries_of_another_log_or_in_another_order_are_found(ledger: Ledger, tmp_path: Path) -> None:
    small(ledger, tmp_path / "out")
    entries = [record.entry for record in ledger.read(LOG, 0, 3)]
    export(Log(entries), tmp_path / "same")
    audit(tmp_path / "same")
    export(Log([entries[1], entries[0], entries[2]]), tmp_path / "swapped")
    with pytest.raises(VerificationError, match="index 0: the header belongs to another place"):
        audit(tmp_path / "swapped")
    with pytest.raises(VerificationError, match="index 0: the header belongs to another place"):
        audit_tiles(tmp_path / "same", open_size(tmp_path / "same"), on_entries=Headers("schoenbrunn"))
