"""Which seed finds which fault: ``python -m tests.simulation.hunt`` prints the table of docs/simulation.md.

python -m tests.simulation.hunt [--most SEEDS] [--jobs JOBS] [MUTANT ...]

Ends with 1 where a mutant is none: its code is never run, or falls by itself.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import attrs

from tests.simulation.mutants import MUTANTS, mutated
from vienna_runtime.selftest.simulation.run import STEPS, play

MOST = 300  # seeds


@attrs.frozen(kw_only=True)
class Hunted:
    """What came of looking for one mutant.  ``seed`` is -1 where none found it."""

    mutant: str
    seed: int = -1
    step: int = 0
    promise: str = "not found"
    wrong: str = ""  # why it could not be found

    def row(self) -> str:
        found = self.seed >= 0 and not self.wrong
        seed, step = (str(self.seed), str(self.step)) if found else ("-", "-")
        return f"| {self.mutant} | {seed} | {step} | {self.wrong or self.promise} |"


def hunt(name: str, most: int = MOST, first: int = 0, steps: int = STEPS) -> Hunted:
    """Plays seeds until one finds it, or it is clear that none can."""
    with mutated(name) as mutation:
        for seed in range(first, first + most):
            finding = play(seed, steps).finding
            if mutation.fell or (finding is not None and mutation.wrong(finding)):
                return Hunted(mutant=name, wrong=mutation.wrong(finding))
            if finding is not None:
                return Hunted(mutant=name, seed=seed, step=finding.step, promise=finding.promise)
        return Hunted(mutant=name, wrong=mutation.wrong())


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("mutants", nargs="*", default=list(MUTANTS))
    parser.add_argument("--most", type=int, default=MOST)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    print("| fault | seed | step | promise |\n|---|---:|---:|---|")
    wrong = False
    with ProcessPoolExecutor(asked.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for hunted in pool.map(hunt, asked.mutants, [asked.most] * len(asked.mutants)):
            print(hunted.row(), flush=True)
            wrong = wrong or bool(hunted.wrong)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
