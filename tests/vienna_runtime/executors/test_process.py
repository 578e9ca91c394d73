"""Real programs, and what they try."""

from __future__ import annotations

import ctypes
import hashlib
import json
import math
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from vienna_runtime.executors.config import ExecutorConfig
from vienna_runtime.executors.means import CHANGED, Failed, Outcome, Succeeded, Unknown, Work
from vienna_runtime.executors.repertoire import Repertoire
from vienna_runtime.executors.session import adopt_orphans

Load = Callable[[str], ExecutorConfig]
Run = Callable[..., Awaitable[Outcome]]


@pytest.fixture
def run(loaded: Load, tmp_path: Path) -> Run:
    """Run a Python program as the action ``try``."""

    async def run_program(program: str, *, more: str = "", params: str = "", **values: object) -> Outcome:
        (tmp_path / "program.py").write_text(program)
        arguments = "".join(f', "{{{name}}}"' for name in values)
        declared = params or ", ".join(f'{name} = "text"' for name in values)
        config = loaded(
            f'[actions."try"]\nkind = "process"\nresource = "here"\nroot = "{tmp_path}"\nparams = {{ {declared} }}\n'
            f'argv = ["{sys.executable}", "-I", "-S", "program.py"{arguments}]\n{more}'
        )
        return await Repertoire(config).execute(Work(action="try", resource="here", params=values, effect_id="effect-7"))

    return run_program


async def test_the_outcome_says_what_was_done_and_digests_all_of_the_output(run: Run) -> None:
    outcome = await run("print('x' * 5000)", more='max_output = "10B"')
    assert isinstance(outcome, Succeeded)
    assert outcome.result == b"x" * 10
    assert outcome.result_digest == hashlib.sha256(b"x" * 5000 + b"\n").digest()
    assert outcome.evidence["stdout_bytes"] == 5001
    assert (outcome.done.action, outcome.done.resource, outcome.done.params) == ("try", "here", {})
    assert outcome.started <= outcome.ended


@pytest.mark.parametrize("value", ["a b", "$(id)", "; id", "`id`", "*", "'\"", "{word}", "a\nb", "", "é"])
async def test_a_value_arrives_as_one_argument_byte_for_byte(run: Run, value: str) -> None:
    outcome = await run("import sys; sys.stdout.write(ascii(sys.argv[1:]))", word=value)
    assert isinstance(outcome, Succeeded)
    assert outcome.result == ascii([value]).encode()


@pytest.mark.parametrize("value", ["-rf", "--exec=id", "-"])
async def test_a_value_that_would_be_an_option_is_refused_before_anything_runs(run: Run, value: str) -> None:
    outcome = await run("open('ran', 'w')", word=value)
    assert isinstance(outcome, Failed)
    assert "read as an option" in outcome.why
    assert outcome.done is None


async def test_a_glued_value_and_one_after_the_end_of_options_may_begin_with_a_dash(loaded: Load, tmp_path: Path) -> None:
    argv = '["printf", "%s,", "--word={a}", "--", "{b}"]'
    config = loaded(f'[actions.x]\nkind="process"\nresource="r"\nroot="{tmp_path}"\nparams={{a="text",b="text"}}\nargv={argv}')
    outcome = await Repertoire(config).execute(Work(action="x", resource="r", params={"a": "-1", "b": "-2"}, effect_id="e"))
    assert isinstance(outcome, Succeeded)
    assert outcome.result == b"--word=-1,--,-2,"


async def test_a_nul_in_a_value_is_refused(run: Run) -> None:
    outcome = await run("", word="a\0b")
    assert isinstance(outcome, Failed)
    assert "NUL" in outcome.why


async def test_an_argument_too_long_for_the_system_is_refused(run: Run) -> None:
    outcome = await run("", word="x" * 131_072)
    assert isinstance(outcome, Failed)
    assert outcome.done is None


async def test_the_environment_holds_what_is_listed_and_nothing_of_ours(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    outcome = await run("import os, json; print(json.dumps(dict(os.environ)))", more='env = { HOME = "/nowhere", LC_ALL = "C.UTF-8" }')
    assert isinstance(outcome, Succeeded)
    seen = json.loads(outcome.result)
    assert set(seen) == {"HOME", "LC_ALL", "PATH", "VIENNA_EFFECT"}
    assert seen["VIENNA_EFFECT"] == "effect-7"


async def test_no_descriptor_of_ours_is_inherited(run: Run) -> None:
    secret = os.open("/etc/hostname", os.O_RDONLY)
    os.set_inheritable(secret, True)
    try:
        outcome = await run("import os; print(sorted(os.listdir('/proc/self/fd')))")
    finally:
        os.close(secret)
    assert isinstance(outcome, Succeeded)
    assert outcome.result == b"['0', '1', '2', '3']\n"  # 3 is the listing itself


async def test_an_exit_code_that_is_no_success_failed_and_says_why(run: Run) -> None:
    outcome = await run("import sys; sys.stderr.write('no such order'); sys.exit(3)")
    assert isinstance(outcome, Failed)
    assert outcome.evidence["exit_code"] == 3
    assert outcome.evidence["stderr"] == b"no such order"
    assert outcome.done is not None


async def test_another_resource_than_the_parameters_lead_to_is_refused(loaded: Load, tmp_path: Path) -> None:
    config = loaded(
        f'[actions.x]\nkind="process"\nresource="order/{{id}}"\nroot="{tmp_path}"\nparams={{id="integer"}}\nargv=["echo","{{id}}"]'
    )
    outcome = await Repertoire(config).execute(Work(action="x", resource="order/1", params={"id": 2}, effect_id="e"))
    assert isinstance(outcome, Failed)
    assert "another resource" in outcome.why


async def test_an_action_that_is_not_listed_is_not_done(loaded: Load, tmp_path: Path) -> None:
    config = loaded(f'[actions.x]\nkind="process"\nresource="r"\nroot="{tmp_path}"\nargv=["true"]')
    outcome = await Repertoire(config).execute(Work(action="y", resource="r", params={}, effect_id="e"))
    assert isinstance(outcome, Failed)


async def test_a_deadline_that_is_over_starts_nothing(loaded: Load, tmp_path: Path) -> None:
    config = loaded(f'[actions.x]\nkind="process"\nresource="r"\nroot="{tmp_path}"\nargv=["touch", "ran"]')
    outcome = await Repertoire(config).execute(Work(action="x", resource="r", params={}, effect_id="e", deadline=trio.current_time()))
    assert isinstance(outcome, Failed)
    assert not (tmp_path / "ran").exists()


# the grandchild ignores SIGTERM, leaves the process group, and says who it is
FAMILY = """
import os, signal, time
if os.fork() == 0:
    {leave}
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open("grandchild", "w").write(str(os.getpid()))
    os.rename("grandchild", "grandchild.pid")
    time.sleep(60)
while not os.path.exists("grandchild.pid"):
    time.sleep(0.005)
{then}
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


async def out_of_time(clock: MockClock, ready: Path, running: Awaitable[Outcome], *, patience: bool = False) -> Outcome:
    """What comes of a program whose time, 2 s, is over once it is ready and not before; with ``patience`` its grace does not end."""

    async def pass_time() -> None:
        passed = False
        while True:
            await trio.to_thread.run_sync(time.sleep, 0.01)  # the program's time, which is not ours
            if await trio.Path(ready).exists() and not (passed and patience):
                clock.jump(2.1)
                passed = True

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pass_time)
        outcome = await running
        nursery.cancel_scope.cancel()
    return outcome


async def test_a_timeout_kills_the_grandchild_too_and_the_outcome_is_unknown(run: Run, tmp_path: Path, mock_clock: MockClock) -> None:
    program = FAMILY.format(leave="os.setpgid(0, 0)", then="time.sleep(60)")
    running = run(program, more='timeout = "2s"\ngrace = "50ms"')
    outcome = await out_of_time(mock_clock, tmp_path / "grandchild.pid", running)
    assert isinstance(outcome, Unknown)
    assert "within its time" in outcome.why
    assert not alive(int((tmp_path / "grandchild.pid").read_text()))


async def test_what_a_finished_program_leaves_behind_is_killed(run: Run, tmp_path: Path) -> None:
    outcome = await run(FAMILY.format(leave="pass", then=""))
    assert isinstance(outcome, Succeeded)
    assert not alive(int((tmp_path / "grandchild.pid").read_text()))


async def test_a_daemon_that_leaves_the_session_is_found_as_an_orphan(run: Run, tmp_path: Path) -> None:
    adopt_orphans()
    try:
        outcome = await run(FAMILY.format(leave="os.setsid()", then=""))
    finally:
        ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: the tests after this one shall not adopt
    assert isinstance(outcome, Succeeded)
    assert not alive(int((tmp_path / "grandchild.pid").read_text()))


async def test_what_cannot_be_found_and_still_holds_a_pipe_makes_the_outcome_unknown(run: Run, tmp_path: Path) -> None:
    program = (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    open('pid', 'w').write(str(os.getpid()))\n"
        "    os.rename('pid', 'hidden.pid')\n"
        "    os.execve('/bin/sleep', ['sleep', '60'], {})\nwhile not os.path.exists('hidden.pid'): time.sleep(0.005)\n"
        "while b'sleep' not in open('/proc/' + open('hidden.pid').read() + '/cmdline', 'rb').read(): time.sleep(0.005)\n"
    )
    outcome = await run(program)
    hidden = int((tmp_path / "hidden.pid").read_text())
    assert alive(hidden)
    os.kill(hidden, signal.SIGKILL)
    assert isinstance(outcome, Unknown)
    assert "left something running" in outcome.why
    assert outcome.evidence["exit_code"] == 0


async def test_cancellation_kills_everything_before_it_leaves(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ready")
    ready = os.open(tmp_path / "ready", os.O_RDONLY | os.O_NONBLOCK)
    program = FAMILY.format(leave="os.setpgid(0, 0)", then="open('ready', 'w').write('x')\ntime.sleep(60)")
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: run(program, more='grace = "50ms"'))
            await trio.lowlevel.wait_readable(ready)
            nursery.cancel_scope.cancel()
    os.close(ready)
    assert not alive(int((tmp_path / "grandchild.pid").read_text()))


async def test_a_polite_program_may_clean_up_when_its_time_is_over(run: Run, tmp_path: Path, mock_clock: MockClock) -> None:
    program = (
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: (open('cleaned', 'w'), sys.exit(0)))\n"
        "open('polite', 'w')\ntime.sleep(60)"
    )
    running = run(program, more='timeout = "2s"')
    outcome = await out_of_time(mock_clock, tmp_path / "polite", running, patience=True)
    assert isinstance(outcome, Unknown)  # exit code 0, and yet nobody knows how far it came
    assert (tmp_path / "cleaned").exists()


async def test_a_fork_bomb_is_stopped_by_its_number_of_processes(run: Run) -> None:
    # each child only waits and a bound is kept, so that a failure of this test harms nobody
    program = "import os, time\nfor _ in range(60):\n    if os.fork() == 0:\n        time.sleep(30)\n        os._exit(0)\ntime.sleep(30)"
    outcome = await run(program, more="limits = { processes = 20 }")
    assert isinstance(outcome, Unknown)
    assert "more than the 20" in outcome.why


async def test_a_flood_of_output_is_digested_and_not_kept(run: Run) -> None:
    program = "import sys\nfor _ in range(200): sys.stdout.write('x' * 100_000); sys.stderr.write('y' * 10_000)"
    outcome = await run(program, more='max_output = "1KiB"')
    assert isinstance(outcome, Succeeded)
    assert len(outcome.result) == 1024
    assert outcome.evidence["stdout_bytes"] == 20_000_000
    assert outcome.result_digest == hashlib.sha256(b"x" * 20_000_000).digest()


@pytest.mark.parametrize(
    ("program", "limits"),
    [
        ("while True: pass", "cpu_seconds = 1"),
        ("open('big', 'wb').write(b'x' * 200_000)", 'file_size = "100KiB"'),
    ],
)
async def test_a_program_killed_by_its_limit_is_unknown(run: Run, program: str, limits: str) -> None:
    program = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n" + program
    outcome = await run(program, more=f'limits = {{ {limits} }}\ntimeout = "60s"')
    assert isinstance(outcome, Unknown)
    assert "signal" in outcome.why


@pytest.mark.parametrize(
    ("program", "limits", "said"),
    [
        ("x = b'x' * (1 << 30)", 'address_space = "256MiB"', b"MemoryError"),
        ("f = [open('/dev/null') for _ in range(64)]", "open_files = 32", b"Too many open files"),
    ],
)
async def test_a_limit_holds_from_the_first_instruction(run: Run, program: str, limits: str, said: bytes) -> None:
    outcome = await run(program, more=f"limits = {{ {limits} }}")
    assert isinstance(outcome, Failed)
    stderr = outcome.evidence["stderr"]
    assert isinstance(stderr, bytes)
    assert said in stderr


async def test_a_program_that_does_not_read_its_input_is_judged_by_its_exit_code(run: Run) -> None:
    outcome = await run("", more='stdin = "{text}"', params='text = "text"', text="x" * 100_000)
    assert isinstance(outcome, Succeeded)


async def test_a_path_that_goes_through_a_link_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    outcome = await run("open('ran', 'w')", params='where = "path"', where="link/passwd")
    assert isinstance(outcome, Failed)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("where", ["..", "../x", "/etc", "link", "missing", "a/../..", "file"])
async def test_a_working_directory_outside_the_root_is_refused(loaded: Load, tmp_path: Path, where: str) -> None:
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "file").touch()
    text = f'[actions.x]\nkind="process"\nresource="r"\nroot="{tmp_path}"\ncwd="{{d}}"\nparams={{d="text"}}\nargv=["touch", "ran"]'
    outcome = await Repertoire(loaded(text)).execute(Work(action="x", resource="r", params={"d": where}, effect_id="e", deadline=math.inf))
    assert isinstance(outcome, Failed)
    assert outcome.done is None


STATED = """
[actions."try"]
kind = "process"
resource = "here"
root = "{root}"
params = {{ name = "path" }}
argv = ["/bin/sh", "-c", "echo done > $0", "{{name}}"]
[actions."try".state]
root = "{root}"
argv = ["/bin/sh", "-c", "cat $0", "{{name}}"]
"""


async def test_the_state_of_a_target_is_what_a_program_prints_and_is_looked_at_again(loaded: Load, tmp_path: Path) -> None:
    repertoire = Repertoire(loaded(STATED.format(root=tmp_path)))

    def work(state: bytes | None = None) -> Work:
        return Work(action="try", resource="here", params={"name": "note"}, effect_id="e", state=state)

    assert await repertoire.state(work()) is None  # the program fails: there is nothing
    (tmp_path / "note").write_text("old")
    old = hashlib.sha256(b"old").digest()
    assert await repertoire.state(work()) == old
    changed = await repertoire.execute(work(hashlib.sha256(b"older").digest()))
    assert isinstance(changed, Failed)
    assert (changed.why, changed.done, (tmp_path / "note").read_text()) == (CHANGED, None, "old")
    assert isinstance(await repertoire.execute(work(old)), Succeeded)
    assert (tmp_path / "note").read_text() == "done\n"


async def test_a_program_without_a_way_to_read_the_state_does_nothing_that_is_bound_to_one(run: Run, loaded: Load, tmp_path: Path) -> None:
    text = STATED.format(root=tmp_path).partition('[actions."try".state]')[0]
    repertoire = Repertoire(loaded(text))
    bound = Work(action="try", resource="here", params={"name": "note"}, effect_id="e", state=b"s" * 32)
    assert await repertoire.state(bound) is None
    assert isinstance(await repertoire.execute(bound), Failed)
    assert not (tmp_path / "note").exists()
