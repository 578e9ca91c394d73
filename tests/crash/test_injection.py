"""Whichever system call fails, nothing acknowledged is lost, and nothing is written until the ledger was reopened."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vienna_runtime.selftest.sweep import FAULTS, NAMES, SYNCS, WRITES, Sweep, faults_of, sweep

CARELESS = (sys.executable, str(Path(__file__).with_name("careless_writer.py")))

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("strace")]


@pytest.fixture(scope="module")
def found() -> Sweep:
    return sweep(seed=5, every=21)


def test_a_fault_at_any_system_call_leaves_everything_that_was_acknowledged(found: Sweep) -> None:
    assert not found.findings
    assert found.violations == 0
    assert found.runs == found.of > 25
    assert {fault for _, fault, _ in found.outcomes} >= {"EIO", "EIO from then on", "ENOSPC", "short write", "killed"}
    assert found.failed > 10


def test_a_failed_write_or_sync_never_goes_unnoticed(found: Sweep) -> None:
    silent = {(call, fault) for call, fault, ended in found.outcomes if ended == "did not notice"}
    # The one write that may be short without harm is of the pid, which only people read.
    assert not {(call, fault) for call, fault in silent if call in (*WRITES, *SYNCS, *NAMES, "mmap")} - {("pwrite64", "short write")}


def test_a_writer_that_trusts_a_failed_sync_is_found_out() -> None:
    found = sweep(seed=5, every=43, program=[*CARELESS, "trusting"])
    assert found.violations > 0
    assert any("after a failed commit" in finding.what for finding in found.findings), found.findings


def test_each_fault_belongs_to_some_call() -> None:
    assert {fault for call in ("writev", "fdatasync", "rename", "mmap", "read") for fault in faults_of(call)} == set(FAULTS)
