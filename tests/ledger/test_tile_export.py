"""An export is whole at every moment, grows by what is new, and never replaces what another log or another past wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from ledger import NODE, Batch, Checkpoint, Draft, Ledger, UnsuitableDirectory, VerificationError, origin_of
from ledger.note import NoteSigner, compose, unverified_note
from ledger.published import Published, log_in, opened
from ledger.tile_audit import Headers, audit_tiles
from ledger.tile_export import DRAFT, Exported, Source, _alone, export
from ledger.tile_heads import parse
from ledger.tile_paths import Tile, tiles_of
from ledger.tree import root_over

LOG = "belvedere"
WITNESS = NoteSigner("emil.example", b"w" * 32)


def fill(ledger: Ledger, count: int, log: str = LOG) -> None:
    at = ledger.head(log).size
    drafts = tuple(Draft("word.said/1", 10 + at + number, "ada", b"%d" % number) for number in range(count))
    ledger.append_many([Batch(log, at, drafts)])


@attrs.frozen
class FromLedger:
    """The log of a ledger that is open here, as it is now; LMDB lets a process open its files once."""

    ledger: Ledger
    witnessed: bytes | None = None
    log: str = LOG

    @property
    def note(self) -> bytes:
        return self.ledger.head(self.log).checkpoint

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint.parse(unverified_note(self.note).text)

    def content(self, tile: Tile) -> bytes:
        return self.ledger.tile(self.log, tile)

    def heads(self, bundle: Tile) -> bytes | None:
        return None

    def root_at(self, size: int) -> bytes:
        return self.ledger.root_at(self.log, size)


def files(target: Path) -> set[str]:
    return {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}


def names(size: int) -> set[str]:
    return {"checkpoint", *(tile.path for tile in tiles_of(size))}


def run(ledger: Ledger, target: Path, **how: object) -> Exported:
    return export(FromLedger(ledger), target, **how)  # type: ignore[arg-type]


def is_sound(target: Path) -> None:
    checkpoint = Checkpoint.parse(unverified_note((target / "checkpoint").read_bytes()).text)
    audit_tiles(target, checkpoint, on_entries=Headers(LOG))


def test_an_export_has_the_tiles_of_the_size_and_the_checkpoint_and_nothing_else(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger, 600)
    done = run(ledger, tmp_path / "out")
    assert files(tmp_path / "out") == names(600)
    assert (done.size, done.before, done.written, done.removed, done.cosigned) == (600, 0, len(names(600)) - 1, 0, False)
    assert (tmp_path / "out" / "checkpoint").read_bytes() == ledger.head(LOG).checkpoint
    is_sound(tmp_path / "out")


def test_an_empty_log_is_exported_as_its_checkpoint(ledger: Ledger, tmp_path: Path) -> None:
    assert run(ledger, tmp_path / "out").size == 0
    assert files(tmp_path / "out") == {"checkpoint"}
    is_sound(tmp_path / "out")


def test_a_later_export_writes_what_is_new_and_removes_the_partial_tiles_that_became_full(ledger: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(ledger, 300)
    run(ledger, out)
    untouched = (out / "tile/0/000").stat().st_ino
    fill(ledger, 10)
    done = run(ledger, out)
    # The tile still partial keeps its earlier width too: a reader of the earlier checkpoint needs it.
    assert files(out) == names(310) | names(300)
    assert (done.before, done.written) == (300, 2)
    fill(ledger, 300)
    done = run(ledger, out)
    assert files(out) == names(610) | {"tile/1/000.p/1"}
    assert done.removed == 4
    assert (out / "tile/0/000").stat().st_ino == untouched
    is_sound(out)
    assert run(ledger, out).written == 0


def test_whatever_moment_it_is_interrupted_at_the_checkpoint_that_is_there_holds_and_the_next_run_goes_on(
    ledger: Ledger, tmp_path: Path
) -> None:
    class Pulled(Exception):
        pass

    out = tmp_path / "out"
    fill(ledger, 300)
    run(ledger, out)
    fill(ledger, 300)
    todo = len(names(600) - names(300))
    for moment in range(todo):

        def pull(done: int, whole: int, at: int = moment) -> None:
            assert whole == todo
            if done == at:
                raise Pulled

        with pytest.raises(Pulled):
            run(ledger, out, progress=pull)
        is_sound(out)  # at 300 still
    assert run(ledger, out).written == 1  # all but the last file came in the runs before
    assert files(out) - names(600) == {"tile/1/000.p/1"}
    is_sound(out)


def test_another_logs_directory_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    run(ledger, tmp_path / "out")
    with pytest.raises(UnsuitableDirectory, match=r"holds the log hofburg\.example/belvedere, not hofburg\.example/schoenbrunn"):
        export(FromLedger(ledger, log="schoenbrunn"), tmp_path / "out")


def test_a_directory_that_is_ahead_is_refused_as_such(opened: Callable[..., Ledger], ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger, 20)
    old = FromLedger(ledger)
    short = attrs.evolve(snapshot(old))
    fill(ledger, 20)
    run(ledger, tmp_path / "out")
    before = files(tmp_path / "out")
    with pytest.raises(VerificationError, match=r"is ahead: it holds 40 entries of hofburg\.example/belvedere, this ledger has 20"):
        export(short, tmp_path / "out")
    assert files(tmp_path / "out") == before


@attrs.frozen
class Made:
    """A log as a liar or an older copy shows it."""

    note: bytes
    checkpoint: Checkpoint
    inside: Source
    witnessed: bytes | None = None

    def content(self, tile: Tile) -> bytes:
        return self.inside.content(tile)

    def heads(self, bundle: Tile) -> bytes | None:
        return None

    def root_at(self, size: int) -> bytes:
        return self.inside.root_at(size)


def snapshot(source: Source) -> Made:
    return Made(source.note, source.checkpoint, source)


def test_a_fork_is_refused_and_named(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger, 20)
    run(ledger, tmp_path / "out")
    other = Checkpoint(origin_of("hofburg.example", LOG), 20, root_over([b"another past"]))
    (tmp_path / "out" / "checkpoint").write_bytes(compose(other.text(), [WITNESS.sign(b"")]))
    fill(ledger, 20)
    with pytest.raises(VerificationError, match=r"in conflict: its first 20 entries .* \(a fork\)"):
        run(ledger, tmp_path / "out")


def test_a_file_with_other_bytes_is_never_replaced(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger, 20)
    file = tmp_path / "out" / "tile/0/000.p/20"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"somebody's")
    with pytest.raises(VerificationError, match="is there with other bytes"):
        run(ledger, tmp_path / "out")
    assert file.read_bytes() == b"somebody's"
    assert not (tmp_path / "out" / "checkpoint").exists()


def test_a_damaged_checkpoint_is_not_written_over(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger, 20)
    run(ledger, tmp_path / "out")
    (tmp_path / "out" / "checkpoint").write_bytes(b"\xff")
    with pytest.raises(VerificationError, match="export into an empty directory"):
        run(ledger, tmp_path / "out")


def test_a_ledger_whose_entries_do_not_hash_to_its_tree_is_not_exported(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger, 300)
    source = FromLedger(ledger)

    class Lying(Made):
        def content(self, tile: Tile) -> bytes:
            data = self.inside.content(tile)
            return data.replace(b"\xa3ada", b"\xa3ben", 1) if tile.level < 0 and tile.index == 1 else data

    with pytest.raises(VerificationError, match="index 256: the stored leaf hash is another"):
        export(Lying(source.note, source.checkpoint, source), tmp_path / "out")
    lying = attrs.evolve(snapshot(source), checkpoint=source.checkpoint, inside=FromLedger(ledger, log="schoenbrunn"))
    with pytest.raises((VerificationError, ValueError)):
        export(lying, tmp_path / "other")
    assert not (tmp_path / "other" / "checkpoint").exists()


def test_a_cosigned_checkpoint_goes_before_a_newer_one_unless_the_newest_is_wanted(ledger: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(ledger, 20)
    own = ledger.head(LOG).checkpoint
    cosigned = own + WITNESS.sign(own.partition(b"\n\n")[0] + b"\n").line().encode()
    fill(ledger, 20)
    source = FromLedger(ledger, witnessed=cosigned)
    done = export(source, out)
    assert (done.size, done.cosigned) == (20, True)
    assert (out / "checkpoint").read_bytes() == cosigned
    assert export(source, out, latest=True).size == 40
    # Once the larger one is there, a smaller one never takes its place.
    assert export(source, out).size == 40
    assert (out / "checkpoint").read_bytes() == source.note


def test_a_checkpoint_cosigned_before_a_key_took_over_gives_way_to_the_newest_until_another_is_cosigned(
    ledger: Ledger, tmp_path: Path
) -> None:
    out, newer = tmp_path / "out", NoteSigner(origin_of("hofburg.example", LOG), b"n" * 32)

    def cosigned(note: bytes) -> bytes:
        return note + WITNESS.sign(note.partition(b"\n\n")[0] + b"\n").line().encode()

    def turned(note: bytes, *, overlap: bool = False) -> bytes:
        text = note.partition(b"\n\n")[0] + b"\n"
        return note + newer.sign(text).line().encode() if overlap else compose(text.decode(), [newer.sign(text)])

    fill(ledger, 20)
    source = FromLedger(ledger)
    before = source.note
    assert export(attrs.evolve(snapshot(source), witnessed=cosigned(before)), out).cosigned
    fill(ledger, 20)
    for overlap in (True, False):
        latest = turned(source.note, overlap=overlap)
        done = export(attrs.evolve(snapshot(source), note=latest, witnessed=cosigned(before)), out)
        assert (done.size, done.cosigned) == (40, False)
        assert (out / "checkpoint").read_bytes() == latest
    both = cosigned(turned(source.note, overlap=True))
    assert export(attrs.evolve(snapshot(source), note=turned(source.note), witnessed=both), out).cosigned


def test_two_exports_into_one_directory_do_not_meet(ledger: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with _alone(out), pytest.raises(UnsuitableDirectory, match="another process"):
        run(ledger, out)


def test_a_draft_left_by_a_crash_is_written_over(ledger: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / DRAFT).write_bytes(b"half a ti")
    fill(ledger, 3)
    run(ledger, out)
    assert files(out) == names(3)


def test_a_directory_is_read_beside_nobody_with_its_logs_by_name(opened_ledger_path: Path, ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger, 300)
    head, node = ledger.head(LOG), ledger.head(NODE)
    ledger.close()
    with opened(opened_ledger_path) as logs:
        assert set(logs) == {NODE, "belvedere", "schoenbrunn"}
        log: Published = log_in(logs, LOG)
        assert (log.note, log.checkpoint.size, log.root_at(300), log.witnessed) == (head.checkpoint, 300, head.root, None)
        assert log_in(logs, NODE).checkpoint.root == node.root
        assert export(log, tmp_path / "out").size == 300
        with pytest.raises(ValueError, match="has no tile/0/001"):
            log.content(Tile(0, 1))
        with pytest.raises(Exception, match="there are: belvedere, schoenbrunn"):
            log_in(logs, "mallory")
    is_sound(tmp_path / "out")


@pytest.fixture
def opened_ledger_path(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def test_what_the_node_commits_to_lies_beside_its_tiles_and_grows_with_them(
    opened_ledger_path: Path, ledger: Ledger, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for number in range(300):
        fill(ledger, 1)
        ledger.commit_heads(time=1000 + number, actor="node")
        if number in (100, 299):
            ledger.close()
            with opened(opened_ledger_path) as logs:
                export(logs[NODE], out)
            ledger = Ledger.open(opened_ledger_path, node="hofburg.example", keys=ledger._keys)
    size = ledger.head(NODE).size
    ledger.close()
    beside = {tile.path.replace("tile/entries", "heads") for tile in tiles_of(size) if tile.level < 0}
    assert {name for name in files(out) if name.startswith("heads")} == beside
    assert beside == {"heads/000", "heads/001.p/46"}
    lists = parse((out / "heads/000").read_bytes(), 256)
    assert [len(item) for item in lists[:4]] == [0, 0, 72, 72]  # two admissions, then a commitment to one log each
