"""A running node's logs as files that anyone checks: exported, grown, proved, and refused where they are not theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol


class Said(Protocol):
    code: int
    out: str
    err: str
    json: dict[str, Any]


class House(Protocol):
    directory: Path
    node: Path
    address: str
    node_key: str
    tenant: str


As = Callable[..., Said]
MORE = ("tenant", "suspend", "belvedere", "--reason", "a longer log")


def test_everything_is_exported_beside_the_running_node_and_the_nodes_key_verifies_it(as_: As, house: House, tmp_path: Path) -> None:
    out = str(tmp_path / "public")
    said = as_("ada", "ledger", "export", str(house.node), "--all", "--tiles", out, json=True)
    assert said.code == 0, said.err
    origins = [log["origin"] for log in said.json["logs"]]
    assert origins == ["vienna.local", "vienna.local/belvedere"]
    checked = as_("ada", "verify", out, "--key", house.node_key, json=True)
    assert checked.code == 0, checked.err
    assert [log["log"] for log in checked.json["logs"]] == ["", "belvedere"]
    assert checked.json["absent"] == []


def test_a_second_run_writes_only_what_is_new(as_: As, house: House, tmp_path: Path) -> None:
    command = ("ledger", "export", str(house.node), "--tenant", "belvedere", "--tiles", str(tmp_path / "out"))
    first = as_("ada", *command, json=True).json["logs"][0]
    assert first["written"] > 0
    assert as_("operator", *MORE).code == 0
    assert as_("operator", "tenant", "resume", "belvedere", "--reason", "it is").code == 0
    second = as_("ada", *command, json=True).json["logs"][0]
    assert second["before"] == first["size"] < second["size"]
    assert second["written"] == 2  # one partial tile and its bundle


def test_people_are_shown_a_table_and_what_to_do_next(as_: As, house: House, tmp_path: Path) -> None:
    said = as_("ada", "ledger", "export", str(house.node), "--node", "--tiles", str(tmp_path / "out"))
    assert "vienna.local" in said.out
    assert "vienna verify" in said.out
    said = as_("ada", "verify", str(tmp_path / "out"), "--key", house.node_key)
    assert said.out.splitlines()[-1] == "not here: belvedere, which the node's log names"
    assert "every tile, bundle, header and checkpoint" in said.out


def test_a_flipped_bit_in_an_export_is_exit_code_3_and_named(as_: As, house: House, tmp_path: Path) -> None:
    out = tmp_path / "out"
    as_("ada", "ledger", "export", str(house.node), "--node", "--tiles", str(out))
    (changed,) = (out / "tile/entries/000.p").iterdir()
    whole = bytearray(changed.read_bytes())
    whole[20] ^= 1
    changed.write_bytes(whole)
    said = as_("ada", "verify", str(out), "--key", house.node_key)
    assert said.code == 3
    assert "index 0" in said.err
    assert "tile/entries/000" in said.err


def test_which_log_must_be_said_and_must_be_there(as_: As, house: House, tmp_path: Path) -> None:
    for given in ((), ("--all", "--node"), ("--tenant", "belvedere", "--tenant", "schoenbrunn")):
        assert as_("ada", "ledger", "export", str(house.node), *given, "--tiles", str(tmp_path / "out")).code == 2
    said = as_("ada", "ledger", "export", str(house.node), "--tenant", "mallory", "--tiles", str(tmp_path / "out"))
    assert said.code == 2
    assert "there are: belvedere" in said.err
    assert as_("ada", "ledger", "export", str(tmp_path), "--node", "--tiles", str(tmp_path / "out")).code == 2


def test_another_logs_directory_is_refused(as_: As, house: House, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    as_("ada", "ledger", "export", str(house.node), "--node", "--tiles", out)
    said = as_("ada", "ledger", "export", str(house.node), "--tenant", "belvedere", "--tiles", out)
    assert said.code == 2
    assert "holds the log vienna.local, not vienna.local/belvedere" in said.err


def test_one_entry_with_its_proof_is_verified_by_its_logs_key_alone(as_: As, house: House, tmp_path: Path) -> None:
    file = str(tmp_path / "0.tlog-proof")
    said = as_("ada", "ledger", "proof", str(house.node), "--index", "0", "-o", file, json=True)
    assert said.code == 0, said.err
    checked = as_("ada", "verify", file, "--key", house.node_key, json=True)
    assert checked.code == 0, checked.err
    assert (checked.json["index"], checked.json["origin"]) == (0, "vienna.local")
    assert "is in vienna.local" in as_("ada", "verify", file, "--key", house.node_key).out
    assert as_("ada", "ledger", "proof", str(house.node), "--index", "0", "-o", file).code == 2  # it is there already
    content = Path(file).read_bytes()
    Path(file).write_bytes(content.replace(b"index 0", b"index 1"))
    assert as_("ada", "verify", file, "--key", house.node_key).code == 3


def test_an_entry_that_is_not_there_has_no_proof(as_: As, house: House, tmp_path: Path) -> None:
    said = as_("ada", "ledger", "proof", str(house.node), "--tenant", "belvedere", "--index", "100000", "-o", str(tmp_path / "x"))
    assert said.code == 2
    assert "none at 100000" in said.err


def test_a_file_that_is_no_proof_is_not_verified(as_: As, house: House, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("hello")
    assert as_("ada", "verify", str(tmp_path / "note.txt"), "--key", house.node_key).code in (2, 3)
