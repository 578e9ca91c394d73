"""The benchmarks: each a module with ``table(quick)`` and a ``main``; all of them by ``make bench``."""
