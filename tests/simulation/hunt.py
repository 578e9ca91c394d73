"""Which seed finds which fault: ``python -m tests.simulation.hunt`` prints the table of docs/simulation.md.

python -m tests.simulation.hunt [--most SEEDS] [--jobs JOBS] [MUTANT ...]
"""

from __future__ import annotations

import argparse
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.mutants import MUTANTS, mutated
from vienna_runtime.selftest.simulation.run import play

MOST = 300  # seeds


def hunt(name: str, most: int = MOST, first: int = 0) -> tuple[str, int, int, str]:
    """Mutant, the seed that found it (-1: none did), the step, the promise that was broken."""
    with mutated(name):
        for seed in range(first, first + most):
            found = play(seed).finding
            if found is not None:
                return name, seed, found.step, found.promise
    return name, -1, 0, ""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("mutants", nargs="*", default=list(MUTANTS))
    parser.add_argument("--most", type=int, default=MOST)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    print("| fault | seed | step | promise |\n|---|---:|---:|---|")
    with ProcessPoolExecutor(asked.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for name, seed, step, promise in pool.map(hunt, asked.mutants, [asked.most] * len(asked.mutants)):
            print(f"| {name} | {seed if seed >= 0 else '-'} | {step or '-'} | {promise or 'not found'} |", flush=True)


if __name__ == "__main__":
    main()
