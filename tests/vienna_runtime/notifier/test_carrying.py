"""A real notifier process between a real node and a real HTTP server that fails, hangs, throttles, wants nothing more and comes back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import pty
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from tests.attacks.conftest import Stage
from tests.transport.conftest import issue
from vienna_runtime import credential
from vienna_runtime.cli.main import run
from vienna_runtime.notifier.message import message
from vienna_runtime.secret import Secret

PATIENCE = 60.0  # s for what takes a fraction of one on a quiet machine
SECRETS = (b"n" * 32, b"o" * 32)  # the one in use, and the one it replaces
WRITTEN = ["whsec_" + base64.b64encode(key).decode() for key in SECRETS]


HELD = 0  # in the place of a status


@attrs.define
class Hook:
    """The server.  ``script``: status and headers of each answer, or HELD: none, until nobody waits for it any more; then 200."""

    script: list[tuple[int, dict[str, str]]] = attrs.Factory(list)
    heard: list[tuple[str, str, bytes]] = attrs.Factory(list)  # id, timestamp, body
    wrong: list[str] = attrs.Factory(list)
    news: threading.Condition = attrs.Factory(threading.Condition)
    server: ThreadingHTTPServer | None = None
    port: int = 0

    def begin(self) -> Hook:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                name, at = self.headers["webhook-id"], self.headers["webhook-timestamp"]
                with hook.news:
                    signed = f"{name}.{at}.".encode() + body
                    for key, given in zip(SECRETS, self.headers["webhook-signature"].split(" "), strict=True):
                        wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
                        if not hmac.compare_digest(wanted, given) or abs(int(at) - time.time()) > 300:
                            hook.wrong.append(name)
                    status, headers = hook.script.pop(0) if hook.script else (200, {})
                    hook.heard.append((name, at, body))
                    hook.news.notify_all()
                with suppress(OSError):  # it was not waited for
                    if status == HELD:
                        self.connection.recv(1)
                        self.close_connection = True
                        return
                    self.send_response(status)
                    for key, value in headers.items():
                        self.send_header(key, value)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def end(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def until(self, count: int) -> list[tuple[str, str, bytes]]:
        with self.news:
            assert self.news.wait_for(lambda: len(self.heard) >= count, PATIENCE), f"{len(self.heard)} of {count} came"
            return list(self.heard)

    def agents(self) -> list[str]:
        """Whom each request was about."""
        return [json.loads(body)["data"]["about"] for _, _, body in self.heard]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("alerted") / "node").found_node().serve()
    try:
        trio.run(made.found_tenant, "belvedere", None, ())
        yield made
        assert made.end() == 0
    finally:
        made.end(signal.SIGKILL)


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook().begin()
    yield made
    made.end()
    assert not made.wrong


@attrs.define
class Nora:
    """The notifier: its directory, and its process while it runs."""

    stage: Stage
    directory: Path
    process: subprocess.Popen[str] | None = None

    def configure(self, text: str) -> Nora:
        member, operator = trio.run(self.stage.newcomer, "notifier"), self.stage.operator
        held = attrs.evolve(
            operator, tenant="belvedere", principal=member.name, role="notifier", api_key=Secret(member.token.reveal().encode()),
            signing_key=Secret(member.seed), address="{}:{}".format(*self.stage.address),
        )  # fmt: skip
        credential.write(self.directory / "nora.vienna", held, passphrase=None)
        secrets = self.directory / "hook.secrets"
        secrets.write_text("\n".join(WRITTEN))
        secrets.chmod(0o600)
        path = self.directory / "nora.toml"
        path.write_text(f'credential = "nora.vienna"\njournal = "journal"\nlink = "https://vienna.example/"\nfirst = "1ms"\n{text}')
        path.chmod(0o600)
        return self

    def begin(self) -> Nora:
        command = [sys.executable, "-P", "-m", "vienna_runtime.cli.main", "notifier", "run", "--config", str(self.directory / "nora.toml")]
        with (self.directory / "log").open("a") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.directory)
        assert self.process.stdout is not None
        assert "ready" in self.process.stdout.readline(), (self.directory / "log").read_text()
        return self

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def ask(self, capsys: Any, *words: str) -> dict[str, Any]:
        capsys.readouterr()
        assert run(["notifier", *words, "--config", str(self.directory / "nora.toml"), "--json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    def until_logged(self, text: str, times: int = 1) -> None:
        end = time.monotonic() + PATIENCE
        while (self.directory / "log").read_text().count(text) < times:
            assert time.monotonic() < end, (self.directory / "log").read_text()
            time.sleep(0.05)


@pytest.fixture
def nora(stage: Stage, tmp_path: Path) -> Iterator[Nora]:
    made = Nora(stage, tmp_path)
    yield made
    if made.process is not None:
        made.end(signal.SIGKILL)


def webhook(port: int, retries: str = '["100ms", "100ms", "100ms", "100ms"]', timeout: str = "30s") -> str:
    """With a timeout that a stalled machine does not pass: what was tried once too often would be a message too many."""
    url = f"http://127.0.0.1:{port}/in?a=b"
    return f'[webhooks.hook]\nurl = "{url}"\nsecrets_file = "hook.secrets"\ntimeout = "{timeout}"\nretries = {retries}\n'


def trouble(stage: Stage) -> str:
    """Somebody pauses an agent that nobody knew: one alert, about it."""

    async def whole() -> str:
        agent = await stage.newcomer("agent")
        async with stage.cast("anna") as (anna,):
            await anna.done("pause", scope=f"agent:{agent.name}", reason="it deletes")
        return f"agent:{agent.name}"

    return trio.run(whole)


def test_what_fails_hangs_and_throttles_gets_the_same_message_again_until_it_takes_it(stage: Stage, hook: Hook, nora: Nora) -> None:
    hook.script = [(500, {}), (429, {"Retry-After": "1"}), (HELD, {}), (302, {"Location": "/elsewhere"})]
    nora.configure(webhook(hook.port, timeout="4s")).begin()
    first = trouble(stage)
    heard = hook.until(5)
    assert len({name for name, _, _ in heard}) == len({body for _, _, body in heard}) == 1
    said = json.loads(heard[0][2])
    assert (said["type"], said["data"]["about"], said["data"]["severity"]) == ("vienna.scope.paused", first, "warning")
    second = trouble(stage)
    hook.until(6)
    assert hook.agents() == [first] * 5 + [second]
    nora.until_logged('"event": "carried"')
    assert nora.end() == 0
    log = (nora.directory / "log").read_text()
    assert "no whole answer within 4 s" in log
    assert not any(written in log for written in WRITTEN)


def test_who_wants_nothing_more_gets_nothing_more_until_somebody_tries_again(stage: Stage, hook: Hook, nora: Nora, capsys: Any) -> None:
    hook.script = [(410, {})]
    nora.configure(webhook(hook.port)).begin()
    first = trouble(stage)
    hook.until(1)
    nora.until_logged("wants nothing more")
    second = trouble(stage)
    found: list[dict[str, Any]] = []
    end = time.monotonic() + PATIENCE
    while len(found) < 2 and time.monotonic() < end:
        found = nora.ask(capsys, "dead-letters", "list")["letters"]
    assert [letter["why"] for letter in found] == ["it answered 410: it wants nothing more"] * 2
    assert len(hook.heard) == 1
    assert nora.ask(capsys, "dead-letters", "retry", "--target", "hook") == {"letters": 2}
    hook.until(3)
    assert sorted(hook.agents()[1:]) == sorted([first, second])
    assert nora.end() == 0


def test_killed_in_the_middle_it_loses_nothing_and_repeats_only_what_was_under_way(stage: Stage, hook: Hook, nora: Nora) -> None:
    nora.configure(webhook(hook.port)).begin()
    done = trouble(stage)
    hook.until(1)
    nora.until_logged('"event": "carried"')
    hook.script = [(HELD, {})]
    under_way = trouble(stage)
    hook.until(2)
    nora.end(signal.SIGKILL)  # while the server holds its answer back
    while_down = trouble(stage)
    nora.begin()
    hook.until(4)
    assert hook.agents() == [done, under_way, under_way, while_down]
    assert hook.heard[1][0] == hook.heard[2][0]
    nora.until_logged('"event": "carried"', 3)  # what is heard and not noted yet would be said once more
    assert nora.end() == 0
    nora.begin()
    last = trouble(stage)
    hook.until(5)
    assert hook.agents()[4:] == [last]
    assert nora.end() == 0


def test_a_server_and_a_node_that_go_and_come_back_cost_no_alert(stage: Stage, hook: Hook, nora: Nora) -> None:
    hook.end()
    nora.configure(webhook(hook.port, json.dumps(["200ms"] * 200))).begin()
    first = trouble(stage)
    nora.until_logged("no answer: ")
    hook.begin()
    hook.until(1)
    stage.end(signal.SIGKILL)
    stage.serve(stage.address[1])
    second = trouble(stage)
    hook.until(2)
    assert hook.agents() == [first, second]
    assert nora.end() == 0


def test_a_node_that_hangs_or_is_gone_is_said_once_and_again_when_it_is_back(stage: Stage, hook: Hook, nora: Nora) -> None:
    nora.configure('silence = "1s"\n' + webhook(hook.port, json.dumps(["200ms"] * 200))).begin()
    assert stage.process is not None
    stage.process.send_signal(signal.SIGSTOP)
    try:
        hook.until(1)
        assert nora.end() == 0  # it knows on its next start what it has said
    finally:
        stage.process.send_signal(signal.SIGCONT)
    nora.begin()
    hook.until(2)
    stage.end(signal.SIGKILL)
    hook.until(3)
    stage.serve(stage.address[1])
    hook.until(4)
    about = trouble(stage)
    hook.until(5)
    said = [(json.loads(body)["type"], json.loads(body)["data"]["severity"]) for _, _, body in hook.heard]
    assert said == [("vienna.node.unreachable", "critical"), ("vienna.node.heard", "info")] * 2 + [("vienna.scope.paused", "warning")]
    assert hook.agents()[4] == about
    assert len({name for name, _, _ in hook.heard}) == 5
    assert nora.end() == 0


def test_what_answers_in_the_nodes_place_is_not_the_node_that_is_heard_of(stage: Stage, hook: Hook, nora: Nora, tmp_path: Path) -> None:
    nora.configure('silence = "1s"\n' + webhook(hook.port, json.dumps(["200ms"] * 200))).begin()
    port = stage.address[1]
    stage.end(signal.SIGKILL)
    with socket.create_server(("127.0.0.1", port)) as listener:
        impostor = threading.Thread(target=greets, args=(listener, issue(tmp_path).server().context), daemon=True)
        impostor.start()
        (heard,) = hook.until(1)
        assert json.loads(heard[2])["type"] == "vienna.node.unreachable"
        listener.shutdown(socket.SHUT_RDWR)
        impostor.join(60)
    stage.serve(port)
    hook.until(2)
    about = trouble(stage)
    hook.until(3)
    assert hook.agents()[2] == about
    assert "did not prove" in (nora.directory / "log").read_text() or "certificate" in (nora.directory / "log").read_text()
    assert nora.end() == 0


def greets(listener: socket.socket, context: ssl.SSLContext) -> None:
    """A TLS server with a certificate of its own, until it is shut."""
    with suppress(OSError):
        while True:
            line, _ = listener.accept()
            with suppress(OSError, ssl.SSLError), context.wrap_socket(line, server_side=True):
                pass


def test_a_watchdog_hears_that_it_is_alive_while_it_hears_its_node(stage: Stage, hook: Hook, nora: Nora) -> None:
    hook.script = [(500, {}, 0.0)]  # a word that nobody takes is not tried again
    nora.configure('silence = "1s"\n' + webhook(hook.port) + 'alive = "200ms"\nkinds = ["node.unreachable"]\n').begin()
    heard = hook.until(4)
    assert {json.loads(body)["type"] for _, _, body in heard} == {"vienna.notifier.alive"}
    assert len({name for name, _, _ in heard}) == len(heard)
    assert stage.process is not None
    stage.process.send_signal(signal.SIGSTOP)
    try:
        with hook.news:
            out = lambda: json.loads(hook.heard[-1][2])["type"] == "vienna.node.unreachable"  # noqa: E731
            assert hook.news.wait_for(out, PATIENCE)
        nora.until_logged('"event": "carried"')
        count = len(hook.heard)
        time.sleep(1.0)  # five intervals
        assert len(hook.heard) == count
    finally:
        stage.process.send_signal(signal.SIGCONT)
    hook.until(count + 1)
    assert nora.end() == 0


def test_a_command_gets_the_alert_on_its_standard_input_and_is_tried_again(stage: Stage, nora: Nora) -> None:
    script, taken = nora.directory / "page.py", nora.directory / "taken"
    script.write_text(
        "import os, pathlib, sys\n"
        f"taken, tried = pathlib.Path({str(taken)!r}), pathlib.Path({str(nora.directory / 'tried')!r})\n"
        "if not tried.exists():\n    tried.touch(); sys.exit(7)\n"
        "taken.write_text(sys.argv[1] + ' ' + os.environ['VIENNA_WEBHOOK_ID'] + ' ' + sys.stdin.read())\n"
    )
    nora.configure(f'[commands.page]\nargv = ["{sys.executable}", "{script}", "$(touch x); `id`"]\nretries = ["100ms"]\n').begin()
    about = trouble(stage)
    nora.until_logged('"event": "carried"')
    argument, _, rest = taken.read_text().partition(" msg_")
    assert argument == "$(touch x); `id`"
    assert json.loads(rest.partition(" ")[2])["data"]["about"] == about
    assert "ended with 7" in (nora.directory / "log").read_text()
    assert not (nora.directory / "x").exists()
    assert nora.end() == 0


def test_its_log_is_for_people_on_a_terminal_and_for_machines_elsewhere(stage: Stage, nora: Nora) -> None:
    nora.configure(webhook(9)).begin()
    assert nora.end() == 0
    assert "draining" in [json.loads(line)["event"] for line in (nora.directory / "log").read_text().splitlines()]
    ours, theirs = pty.openpty()
    command = [sys.executable, "-P", "-m", "vienna_runtime.cli.main", "notifier", "run", "--config", str(nora.directory / "nora.toml")]
    nora.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True, cwd=nora.directory)
    os.close(theirs)
    assert nora.process.stdout is not None
    assert "ready" in nora.process.stdout.readline()
    assert nora.end() == 0
    said = ""
    with suppress(OSError):  # EIO: nobody holds the other end any more, and all of it was read
        while data := os.read(ours, 65536):
            said += data.decode()
    os.close(ours)
    assert "draining" in said
    assert "{" not in said


def test_nobody_carries_alerts_with_more_rights_than_that_takes(stage: Stage, nora: Nora) -> None:
    nora.configure(webhook(9))
    member = trio.run(stage.newcomer, "auditor")
    held = credential.read(nora.directory / "nora.vienna", ask=lambda: Secret(b""))
    (nora.directory / "nora.vienna").unlink()
    other = attrs.evolve(held, principal=member.name, role="auditor", api_key=Secret(member.token.reveal().encode()), signing_key=None)
    credential.write(nora.directory / "nora.vienna", other, passphrase=None)
    command = [sys.executable, "-P", "-m", "vienna_runtime.cli.main", "notifier", "run", "--config", str(nora.directory / "nora.toml")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 2, said.stderr
    assert "carried by one of the kind notifier" in said.stderr


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a notifier without targets"),
        ('[webhooks.x]\nurl = "http://example.org/"\nsecrets_file = "s"', "has to be https"),
        ('[webhooks.x]\nurl = "https://u:p@example.org/"\nsecrets_file = "s"', "has credentials"),
        ('[webhooks.x]\nurl = "https://example.org/"\n', "has 0 secrets"),
        ('[webhooks.x]\nurl = "https://example.org/"\nsecrets_file = "open"', "others can open it"),
        ('[webhooks.x]\nurl = "https://example.org/"\nsecrets_file = "bad"', "line 1 does not begin with whsec_"),
        ('[commands.x]\nargv = ["page"]', "absolute path"),
        ('[commands.x]\nargv = ["/bin/true"]\nkinds = ["run.mismatch"]', "did you mean 'run.mismatched'"),
        ('[commands.x]\nargv = ["/bin/true"]\nseverity = "grave"', "expected one of info, warning, critical"),
        ('[commands.x]\nargv = ["/bin/true"]\nretries = ["soon"]', "a duration such as"),
        ('[commands.x]\nargv = ["/bin/true"]\nshell = true', "is not a setting here"),
        ('[commands."X y"]\nargv = ["/bin/true"]', "in small letters"),
    ],
)
def test_a_configuration_that_does_not_load_says_why(tmp_path: Path, text: str, why: str, capsys: Any) -> None:
    for name, content, mode in (("open", WRITTEN[0], 0o644), ("bad", "swordfish", 0o600), ("s", WRITTEN[0], 0o600)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(mode)
    path = tmp_path / "n.toml"
    path.write_text(f'credential = "c"\njournal = "j"\n{text}')
    path.chmod(0o600)
    assert run(["notifier", "check", "--config", str(path)]) == 2
    said = capsys.readouterr().err
    assert why in " ".join(said.split())
    assert "swordfish" not in said


def test_a_port_that_is_refused_is_a_failure_with_its_reason(port: int) -> None:
    import ssl

    from vienna_runtime.notifier.schedule import Failed
    from vienna_runtime.notifier.webhook import Address, Webhook

    hook = Webhook(address=Address.parse(f"http://127.0.0.1:{port}/"), secrets=(), tls=ssl.create_default_context(), timeout=60.0)
    outcome = trio.run(hook.attempt, "msg_1", b"{}", 0.0)
    assert isinstance(outcome, Failed)
    assert outcome.why.startswith("no answer: ")


@pytest.mark.parametrize("changed", [{"alert": 2**63}, {"alert": -1}, {"alert": None}, {"time": 10**18}, {"kind": None}])
def test_an_alert_that_is_none_is_said_to_be_none(changed: dict[str, Any]) -> None:
    item = {"alert": 7, "kind": "run.unknown", "severity": "warning", "about": "x", "text": "y", "count": 1, "time": 1, "case": ""}
    told = {key: value for key, value in {**item, **changed}.items() if key != "kind" or value is not None}
    assert message(item, node="n", tenant="t", base="").number == 7
    with pytest.raises((ValueError, OverflowError, KeyError, TypeError)):
        message(told, node="n", tenant="t", base="")
