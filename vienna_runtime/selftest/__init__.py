"""What the ledger promises about crashes, tried on the real store, on this machine, by whoever wants to see it.

    crash-states   every state that a power cut may leave of an unsynced disk is opened and checked      explore, disk, trace
    inject         every system call of a run fails, or is the last one                                  sweep
    crash          a writer under load is killed, a thousand times                                       killing
    disk-full      the disk is full for a minute under load                                              filling
    flips          single bits are turned over in what is stored                                         flips
    chaos          a node under load is killed, paused, filled and cut off, one after the other           chaos, load
    processes      node, executor, verifier and client are killed and paused in every phase of a case    processes, phases

The last two are about a whole node of their own (``workplace``, ``program``, ``valve``), the others about the ledger: a
writer tells what it is about to do and what was acknowledged (``told``); whatever is left of it is opened by the ledger
as a node would, in a process of its own (``apart``), and held against that (``promise``).  ``cli/selftest.py`` is the door.
"""
