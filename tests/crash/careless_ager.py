"""The self-test's ledger over months on a disk where nobody waits for the files beside LMDB's: the explorer must find that out.

python careless_ager.py DIRECTORY SEED STEPS DESCRIPTOR
"""

from __future__ import annotations

import os
import sys

from vienna_runtime.selftest import aging

if __name__ == "__main__":
    os.fsync = lambda descriptor: None
    aging.main(sys.argv[1:])
