"""Everything a log can try against a witness, against a real one in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from ledger import NoteSigner, VerifierKey
from ledger.cosignature import cosigned_at, open_cosignatures

pytestmark = pytest.mark.slow

ORIGIN = "hofburg.example/belvedere"
LEAVES = [b"entry %d" % number for number in range(40)]
FORKED = [*LEAVES[:10], b"mallory's", *LEAVES[11:]]


@pytest.fixture
def shared_log(shared: Any, grown: Any, request: pytest.FixtureRequest) -> Any:
    """A log of this test's own, for the witness that all of them share."""
    made = grown(f"hofburg.example/{request.node.nodeid.encode().hex()}", LEAVES)
    shared.trust(made.signer.verifier)
    return made


@pytest.fixture
def log(grown: Any, witness_house: Any) -> Any:
    made = grown(ORIGIN, LEAVES)
    witness_house.trust(made.signer.verifier)
    return made


def cosigned(log: Any, size: int, answer: Any, key: VerifierKey) -> bool:
    return answer.status == 200 and len(open_cosignatures(log.text(size), answer.body, [key])) == 1


def test_a_log_that_only_grows_is_cosigned_step_by_step_and_again_where_it_stands(shared_log: Any, shared: Any) -> None:
    with shared.served() as witness:
        for old, size in ((0, 0), (0, 3), (3, 3), (3, 4), (4, 11), (11, 40)):
            assert cosigned(shared_log, size, witness.post(shared_log.request(old, size)), witness.key), (old, size)
        told = json.loads(witness.get("/checkpoints").body)
    assert told["witness"] == witness.key.text
    (known,) = (one for one in told["checkpoints"] if one["origin"] == shared_log.origin)
    assert known["size"] == 40
    assert known["note"].startswith(shared_log.text(40))


def test_a_log_that_was_rolled_back_is_told_how_far_it_had_come(shared_log: Any, shared: Any) -> None:
    with shared.served() as witness:
        witness.post(shared_log.request(0, 20))
        said = witness.post(shared_log.request(12, 12))
        assert (said.status, said.kind, said.body) == (409, "text/x.tlog.size", b"20\n")


def test_a_log_that_shrank_is_refused_whatever_it_claims(shared_log: Any, shared: Any) -> None:
    with shared.served() as witness:
        witness.post(shared_log.request(0, 20))
        for old in range(21):
            assert witness.post(b"old %d\n\n" % old + shared_log.note(19)).status in (400, 409)


def test_a_forked_log_is_refused_at_every_size_and_its_two_signatures_are_kept(shared_log: Any, shared: Any, grown: Any) -> None:
    fork = grown(shared_log.origin, FORKED)
    with shared.served() as witness:
        witness.post(shared_log.request(0, 20))
        assert witness.post(fork.request(20, 20)).status == 409
        for size in range(21, 41):
            assert witness.post(fork.request(20, size)).status == 422
        assert cosigned(shared_log, 40, witness.post(shared_log.request(20, 40)), witness.key)  # and the true one goes on
    (kept,) = (shared.directory / "forks").iterdir()
    assert kept.read_bytes() == fork.note(20)


def test_a_wrong_proof_is_refused_and_changes_nothing(shared_log: Any, shared: Any) -> None:
    with shared.served() as witness:
        witness.post(shared_log.request(0, 20))
        head, _, note = shared_log.request(20, 33).partition(b"\n\n")
        for spoilt in (head + b"\n" + b"A" * 43 + b"=", head.replace(b"\n", b"\nA", 1)[: len(head)], head.partition(b"\n")[0]):
            assert witness.post(spoilt + b"\n\n" + note).status in (400, 422)
        assert cosigned(shared_log, 33, witness.post(shared_log.request(20, 33)), witness.key)


def test_a_replayed_request_is_answered_by_where_the_log_stands_now(shared_log: Any, shared: Any) -> None:
    with shared.served() as witness:
        first = shared_log.request(0, 5)
        assert witness.post(first).status == 200
        said = witness.post(first)
        assert (said.status, said.body) == (409, b"5\n")
        witness.post(shared_log.request(5, 9))
        assert witness.post(shared_log.request(5, 5)).body == b"9\n"


def test_a_log_nobody_told_the_witness_about_is_unknown_until_somebody_does(grown: Any, shared: Any) -> None:
    other = grown("hofburg.example/schoenbrunn", LEAVES)
    with shared.served() as witness:
        assert witness.post(other.request(0, 5)).status == 404
        shared.trust(other.signer.verifier)  # while it runs
        assert witness.post(other.request(0, 5)).status == 200


def test_somebody_else_cannot_speak_for_a_log(shared_log: Any, shared: Any, grown: Any) -> None:
    mallory = grown(shared_log.origin, LEAVES, signer=NoteSigner(shared_log.origin, b"\x66" * 32))
    with shared.served() as witness:
        assert witness.post(mallory.request(0, 5)).status == 403
        assert witness.post(shared_log.request(0, 5)).status == 200


def test_a_log_that_changed_its_key_goes_on_from_where_it_was(shared_log: Any, shared: Any, grown: Any) -> None:
    renewed = grown(shared_log.origin, LEAVES, signer=NoteSigner(shared_log.origin, b"\x02" * 32))
    with shared.served() as witness:
        witness.post(shared_log.request(0, 5))
        shared.trust(renewed.signer.verifier)
        assert witness.post(renewed.request(5, 9)).status == 200
        assert witness.post(shared_log.request(9, 12)).status == 200  # the old one is not taken away by that


class Both:
    """Asks from one old size, for two sizes at once."""

    def __init__(self, witness: Any, log: Any, at: int, size: int) -> None:
        self._witness, self._requests = witness, {to: log.request(at, to) for to in (size, size - 1)}
        self.said: list[Any] = []

    def ask(self, to: int) -> None:
        self.said.append(self._witness.post(self._requests[to]))


def test_of_two_updates_at_once_one_is_cosigned_and_the_other_told(shared_log: Any, shared: Any) -> None:
    """Both begin at the same size; if both were cosigned, the later record could lie below the earlier."""
    with shared.served() as witness:
        at = 0
        for size in range(2, 40, 2):
            answers = Both(witness, shared_log, at, size)
            both = [threading.Thread(target=answers.ask, args=(to,)) for to in (size, size - 1)]
            for one in both:
                one.start()
            for one in both:
                one.join()
            assert sorted(answer.status for answer in answers.said) == [200, 409]
            (refused,) = (answer for answer in answers.said if answer.status == 409)
            at = int(refused.body)
            assert at in (size, size - 1)
            if at != size:
                assert witness.post(shared_log.request(at, size)).status == 200
            at = size


def test_a_line_in_the_witness_s_name_does_not_spoil_its_memory(log: Any, witness_house: Any) -> None:
    """Were such a line kept, what is written could not be read again, and the log would be shut out for good."""
    with witness_house.served() as witness:
        forged = log.note(5) + f"— {witness.key.name} ".encode() + b64encode(witness.key.id + bytes(72)) + b"\n"
        assert witness.post(b"old 0\n\n" + forged).status == 200
    with witness_house.served() as witness:
        assert witness.post(log.request(5, 9)).status == 200


KILLED_AT = """
import os, signal, sys
from vienna_runtime.witness import service
def fault(point):
    if point == {point!r}:
        os.kill(os.getpid(), signal.SIGKILL)
service.Witness.__init__.__kwdefaults__["fault"] = fault
from vienna_runtime.cli.main import main
main()
"""


@pytest.mark.parametrize(("point", "remembered"), [("judged", 3), ("recorded", 20), ("cosigned", 20)])
def test_a_witness_killed_between_its_record_and_its_answer_has_cosigned_nothing_it_forgot(
    log: Any, witness_house: Any, point: str, remembered: int
) -> None:
    with witness_house.served() as witness:
        witness.post(log.request(0, 3))
    with witness_house.served(("-c", KILLED_AT.format(point=point))) as dying:
        with pytest.raises(OSError):  # the connection ends without an answer
            dying.post(log.request(3, 20))
        assert dying.process.wait(60) == -signal.SIGKILL
    with witness_house.served() as witness:
        assert witness.post(log.request(0, 20)).body == b"%d\n" % remembered
        assert cosigned(log, 20, witness.post(log.request(remembered, 20)), witness.key)


def test_a_witness_killed_at_random_never_cosigns_two_histories(log: Any, witness_house: Any, grown: Any) -> None:
    """What it said it stands by: after each kill it knows at least the last size it answered with."""
    at = 0
    for _ in range(4):
        with witness_house.served() as witness:
            killer = threading.Timer(0.05, lambda: os.kill(witness.process.pid, signal.SIGKILL))
            killer.start()
            answered = at
            try:
                while at < 39:
                    said = witness.post(log.request(at, at + 1))
                    assert said.status == 200
                    at = answered = at + 1
            except OSError:
                pass
            killer.cancel()
            killer.join()  # or it would look for a process that has ended since
        with witness_house.served() as witness:
            known = int(witness.post(log.request(0, 40)).body) if answered else 0
            assert answered <= known <= answered + 1
            at = known


def fill(file: BinaryIO) -> None:
    while True:
        file.write(bytes(4096))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_witness_whose_disk_is_full_cosigns_nothing_and_goes_on_when_there_is_room(log: Any, witness_house: Any, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(small)], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        subprocess.run(["cp", "-a", f"{witness_house.directory}/.", str(small)], check=True)
        full = type(witness_house)(small)
        with full.served() as witness:
            assert witness.post(log.request(0, 5)).status == 200
            ballast = small / "ballast"
            with ballast.open("wb", buffering=0) as file, pytest.raises(OSError):
                fill(file)
            said = witness.post(log.request(5, 9))
            assert (said.status, b"cosigned nothing" in said.body or b"nothing was cosigned" in said.body) == (503, True)
            assert witness.post(log.request(0, 9)).body == b"5\n"  # it still knows
            ballast.unlink()
            assert cosigned(log, 9, witness.post(log.request(5, 9)), witness.key)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_record_that_cannot_be_written_is_not_answered_by_a_cosignature(log: Any, witness_house: Any) -> None:
    """Without a small disk to fill: the limit on a file's size makes the write fail in its midst."""
    limited = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
    )
    program = ("-c", limited + "from vienna_runtime.cli.main import main\nmain()")
    with witness_house.served() as witness:
        assert witness.post(log.request(0, 5)).status == 200
    with witness_house.served(program) as witness:
        assert witness.post(log.request(5, 9)).status == 503
        assert witness.post(log.request(0, 9)).body == b"5\n"
    with witness_house.served() as witness:
        assert witness.post(log.request(5, 9)).status == 200


def test_a_witness_that_lost_its_memory_does_not_serve(log: Any, witness_house: Any) -> None:
    with witness_house.served() as witness:
        witness.post(log.request(0, 5))
    (memory,) = (witness_house.directory / "logs").glob("*.seen")
    memory.unlink()
    command = [sys.executable, "-m", "vienna_runtime.cli.main", "witness", "serve", str(witness_house.directory), "--listen", "127.0.0.1:0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "is gone; put it back" in ended.stderr


def test_the_time_of_a_cosignature_is_the_witness_s_own(shared_log: Any, shared: Any) -> None:
    with shared.served() as witness:
        before = int(time.time())
        (signature,) = open_cosignatures(shared_log.text(5), witness.post(shared_log.request(0, 5)).body, [witness.key])
        assert before <= cosigned_at(signature) <= time.time()


@pytest.mark.parametrize("path", ["/", "/add-checkpoint", "/checkpoints/x", "/../key", "/logs"])
def test_nothing_else_is_served(shared_log: Any, shared: Any, path: str) -> None:
    with shared.served() as witness:
        assert witness.get(path).status in (404, 405)


def test_a_refused_head_does_not_end_the_witness(shared_log: Any, shared: Any) -> None:
    with shared.served() as witness:
        host, _, port = witness.url.removeprefix("http://").rpartition(":")
        for wrong in (b"HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\n\r\n", b"HEAD * HTTP/1.1\r\nHost: h\r\n\r\n"):
            with socket.create_connection((host, int(port)), timeout=60) as peer:
                peer.sendall(wrong)
                assert peer.recv(100).startswith(b"HTTP/1.1 4")
        assert witness.post(shared_log.request(0, 5)).status == 200
