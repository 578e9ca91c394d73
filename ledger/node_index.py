"""Under which keys the node's log finds what it says about one log, however long it has become.

keys       the newest entry that says which keys the log has: its admission, or a rotation, which ``follows`` the one before
committed  the newest entry that commits to the log's head
"""

from __future__ import annotations


def keys(log: str) -> bytes:
    """Finds the log's admission or its newest rotation."""
    return b"keys\0" + log.encode()


def committed(log: str) -> bytes:
    """Finds the newest commitment to the log."""
    return b"committed\0" + log.encode()
