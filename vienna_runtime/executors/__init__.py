"""The means of executors: what a redeemed warrant may set in motion, and nothing else.

    repertoire ──▶ config ──▶ process ──▶ argv, spawn ──▶ session      two means behind one port (means)
                          ──▶ file    ──▶ walk
    below them: subject, params, template; settings, quantities; errors

Nothing here talks to a node or knows a warrant: the loop that redeems and reports asks a repertoire to
``execute`` and signs what came of it.
"""
