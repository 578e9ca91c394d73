"""Executors: the loop that redeems, acts and reports, and the means it alone holds.

    serving ──▶ service ──▶ deed ──▶ line, journal, receipts, leftovers      one process, its runs, and what it remembers
                              │
    repertoire ◀──────────────┘ through the port (means)
    repertoire ──▶ config ──▶ process ──▶ argv, spawn ──▶ session            what a redeemed warrant may set in motion
                          ──▶ file    ──▶ walk
    below them: identity; subject, params, template; settings, quantities; errors

The means know neither a node nor a warrant: the loop asks them to ``execute`` and signs what came of it.
"""
