"""Making a node: its directory, keys, certificates, the first entry of its log, and its first operator's credential.

All of it happens in a directory that did not exist or was empty; a failure leaves nothing that a second try would mistake
for a node.
"""

from __future__ import annotations

import datetime as dt
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
from nacl.bindings import crypto_sign_seed_keypair

from actors.gate import NODE_TENANT
from actors.governance import apikey
from actors.governance.codec import encode_node
from actors.governance.node_law import OperatorEnrolled
from ledger import NODE, Batch, Draft, Ledger, Receipt
from vienna_runtime import config as configs
from vienna_runtime import credential, pki, private_file
from vienna_runtime.errors import FoundingError
from vienna_runtime.keystore import Keystore
from vienna_runtime.keystore_opener import make_key_file
from vienna_runtime.ledger_keys import LedgerKeys
from vienna_runtime.sealing import INSECURE_TEST_COST, MODERATE, Opener, Passphrase
from vienna_runtime.secret import Secret
from vienna_runtime.watermark import Watermark


@attrs.frozen(kw_only=True)
class Wanted:
    """What ``vienna init`` was asked for."""

    directory: Path
    node: str
    operator: str
    host: str
    port: int
    insecure_dev_keys: bool
    ask: Callable[[str], Secret]  # a new passphrase for what is named


@attrs.frozen(kw_only=True)
class Founded:
    directory: Path
    node_key: str  # the node's verifier key: the one root of trust
    credential: Path
    certificate: Path


def found(wanted: Wanted, environ: Mapping[str, str]) -> Founded:
    """Makes the node; raises ``FoundingError`` where there is one already, and removes what it began when it fails."""
    directory = wanted.directory
    if directory.exists() and any(directory.iterdir()):
        raise FoundingError(f"{directory} is not empty; name a new directory, or serve the node that is there: vienna serve {directory}")
    existed = directory.exists()
    try:
        return _found(wanted, environ)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        if existed:
            directory.mkdir(mode=0o700)
        raise


def _found(wanted: Wanted, environ: Mapping[str, str]) -> Founded:
    directory = wanted.directory
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    chosen: dict[str, dict[str, bool | int | str | tuple[str, ...]]] = {
        "node": {"name": wanted.node},
        "listen": {"host": wanted.host, "port": wanted.port},
        "keys": {"insecure_dev_keys": wanted.insecure_dev_keys},
    }
    private_file.create(directory / configs.FILE, configs.template(**chosen).encode(), mode=0o644)
    config = configs.load(directory, environ=environ)
    keystore = _keystore(config, wanted)
    keystore.refuse_beyond_loopback(wanted.host)
    places = pki.Places(config.tls)
    names = config.settings.listen.names
    now = dt.datetime.now(dt.UTC)
    authority = pki.make_dev_authority(places, wanted.node, names, now)
    pki.make_server_certificate(places, authority, names, now)
    node_key = LedgerKeys(keystore).verifier(NODE).text
    file = _operator(config, wanted, keystore, authority.pem, node_key)
    return Founded(directory=directory, node_key=node_key, credential=file, certificate=places.authority)


def _keystore(config: configs.Config, wanted: Wanted) -> Keystore:
    opener: Opener
    if wanted.insecure_dev_keys:
        opener = make_key_file(config.key_file)
        return Keystore.create(config.keystore, opener, node=wanted.node, cost=INSECURE_TEST_COST, insecure=True)
    opener = Passphrase(wanted.ask("the keystore"))
    return Keystore.create(config.keystore, opener, node=wanted.node, cost=MODERATE)


def _operator(config: configs.Config, wanted: Wanted, keystore: Keystore, ca: str, node_key: str) -> Path:
    """The first operator: its key made here, its public half on the node's log, its secrets in its own file alone."""
    seed = secrets.token_bytes(credential.SEED_BYTES)
    public, _ = crypto_sign_seed_keypair(seed)
    token = apikey.mint(
        apikey.TokenKind.API_KEY, NODE_TENANT, id=secrets.token_bytes(apikey.ID_BYTES), secret=secrets.token_bytes(apikey.SECRET_BYTES)
    )
    ledger = Ledger.open(config.ledger, node=wanted.node, keys=LedgerKeys(keystore))
    try:
        enrolled = OperatorEnrolled(wanted.operator, public, token.id, token.digest())
        draft = Draft(tag=enrolled.TAG, time=time.time_ns() // 1000, actor="init", body=encode_node(enrolled))
        (receipt,) = ledger.append_many([Batch(NODE, ledger.head(NODE).size, (draft,))])
        if not isinstance(receipt, Receipt):
            raise FoundingError(f"the first entry could not be written: {receipt}")
        begun = Watermark(config.watermark, wanted.node)
        begun.advance(ledger.logs())
        begun.write()
    finally:
        ledger.close()
    host = "localhost" if wanted.host in ("127.0.0.1", "::1", "localhost") else wanted.host
    made = credential.Credential(
        address=f"{wanted.host}:{wanted.port}",
        server_name=host,
        ca=ca,
        node_key=node_key,
        tenant=NODE_TENANT,
        principal=wanted.operator,
        role="operator",
        api_key=Secret(token.reveal().encode()),
        signing_key=Secret(seed),
    )
    path = wanted.directory / f"{wanted.operator}{credential.SUFFIX}"
    passphrase = None if wanted.insecure_dev_keys else wanted.ask(path.name)
    credential.write(path, made, passphrase=passphrase)
    return path
