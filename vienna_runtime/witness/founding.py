"""Making a witness, and opening it: its key never changes, since those who trust it know it by heart.

The seed lies in ``key``: sealed under a passphrase, or as 64 hexadecimal digits in a file of mode 0600 for a machine that
must come up by itself.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path

from ledger import VerificationError as BadKey
from ledger import VerifierKey
from ledger.cosignature import Cosigner
from vienna_runtime import private_file
from vienna_runtime.errors import WitnessError
from vienna_runtime.sealing import MODERATE, Cost, Passphrase, new_seal, unseal
from vienna_runtime.secret import Secret

KIND = "vienna/witness-key/1"
SEED_BYTES = 32
PUBLIC = "key.pub"  # the verifier key: what may be read without a passphrase
_OPEN = re.compile(rb"[0-9a-f]{64}\n")
_LARGEST = 4096  # bytes of a key file; the sealed form has some 250


def found(directory: Path, name: str, *, passphrase: Secret | None, cost: Cost = MODERATE) -> Cosigner:
    """A new witness; raises WitnessError where there is something already."""
    if directory.exists() and any(directory.iterdir()):
        raise WitnessError(f"{directory} is not empty; name a new directory for the witness")
    seed = secrets.token_bytes(SEED_BYTES)
    try:
        cosigner = Cosigner(name, seed)
    except BadKey as error:
        raise WitnessError(f"{name!a} cannot be a witness's name: {error}") from None
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / "logs").mkdir(mode=0o700)
    content = seed.hex().encode() + b"\n" if passphrase is None else new_seal(KIND, Passphrase(passphrase), cost=cost).seal(seed)
    private_file.create(directory / PUBLIC, cosigner.verifier.text.encode() + b"\n", mode=0o644)
    private_file.create(directory / "key", content)
    return cosigner


def public(directory: Path) -> VerifierKey:
    """The verifier key of the witness in that directory."""
    try:
        return VerifierKey.parse((directory / PUBLIC).read_text(encoding="utf-8").removesuffix("\n"))
    except FileNotFoundError:
        raise WitnessError(f"there is no witness in {directory}; make one with: vienna witness init {directory} --name NAME") from None
    except BadKey as error:
        raise WitnessError(f"{directory / PUBLIC} is damaged: {error}") from None


def opened(directory: Path, ask: Callable[[], Secret]) -> Cosigner:
    """The witness of that directory; ``ask`` is called where its key is sealed."""
    verifier = public(directory)
    content = private_file.read(directory / "key", largest=_LARGEST)
    if _OPEN.fullmatch(content):
        seed = bytes.fromhex(content.decode())
    else:
        _, seed = unseal(KIND, content, Passphrase(ask()))
    cosigner = Cosigner(verifier.name, seed)
    if cosigner.verifier != verifier:
        raise WitnessError(f"{directory / PUBLIC} is not the public half of the key beside it")
    return cosigner
