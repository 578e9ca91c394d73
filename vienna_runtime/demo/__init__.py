"""The demo: a real node, real processes, a real git repository, and everything that is supposed to be refused.

    python -m vienna_runtime.demo [--keep DIR] [--interactive]

    stage    processes and their end          scenery   the repository and the configurations of the machines
    play     who can be asked, and how        board     what was asked, what was to come of it, and what did

One file for each act.  Exit code 0 only if every step came out as it must.
"""
