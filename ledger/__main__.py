"""``python -m ledger DIRECTORY VERIFIER-KEY``: the audit as a process of its own, see ``ledger.audit_child``."""

import sys

from ledger.audit_child import main

sys.exit(main(sys.argv[1:]))
