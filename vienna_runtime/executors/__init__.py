"""The means of executors: what a redeemed warrant may set in motion, and nothing else.

    config ──▶ repertoire ──▶ means (the port) ◀── process ──▶ argv, spawn ──▶ session
                                               ◀── file    ──▶ walk
                  all of them ──▶ template, params, settings, quantities ──▶ errors

Nothing here talks to a node or knows a warrant: the loop that redeems and reports asks a repertoire to
``execute`` and signs what came of it.
"""
