"""Every setting of a node, its default, what a value must be and what it means: declared once, here.

The defaults work as they are and give a node that only its own machine reaches.  What is written to the operator (the
commented file of ``vienna init``, the table in the operators' manual) is made from these declarations.
"""

from __future__ import annotations

from typing import Any

import attrs

from vienna_runtime.setting_kinds import HOST, HOSTS, NAMES, PATH, PORT, RATE, SWITCH, Kind, Value, choice, duration, pattern, size, whole

_SECOND = 1_000_000  # every duration is in microseconds
_DAY = 86_400 * _SECOND


def _is(kind: Kind, default: Value, meaning: str) -> Any:
    return attrs.field(default=default, metadata={"kind": kind, "meaning": meaning})


@attrs.frozen(kw_only=True)
class Node:
    """[node]"""

    name: str = _is(
        pattern("a name like vienna.example.org: lower case letters, digits, dots and hyphens", r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?"),
        "vienna.local",
        "The node's name, the first line of every checkpoint it signs. It cannot be changed once the node has keys.",
    )


@attrs.frozen(kw_only=True)
class Listen:
    """[listen]"""

    host: str = _is(
        HOST, "127.0.0.1", "Where the node listens. Anything but loopback needs a keystore with a passphrase or a real key file."
    )
    port: int = _is(PORT, 7443, "The port; 0 takes a free one, which the ready line names.")
    names: tuple[str, ...] = _is(
        HOSTS, ("localhost", "127.0.0.1", "::1"), "The names and addresses that the server's certificate is made for."
    )


@attrs.frozen(kw_only=True)
class Data:
    """[data]"""

    ledger: str = _is(PATH, "ledger", "The directory of the logs. A network file system is refused.")
    keystore: str = _is(PATH, "keystore", "The sealed file of the node's keys.")
    tls: str = _is(PATH, "tls", "The directory of the server's certificate and the development authority.")
    watermark: str = _is(
        PATH,
        "watermark",
        "The file that keeps the last released size and root of each log, outside the ledger, so that a rollback is noticed when the node "
        "starts. Best on another disk.",
    )
    map_size: int = _is(size("16MiB", "16TiB"), 1 << 30, "The first size of the ledger's map; it grows by itself.")


@attrs.frozen(kw_only=True)
class Keys:
    """[keys]"""

    key_file: str = _is(PATH, "keystore.key", "The raw key file, for a keystore that was sealed with one instead of a passphrase.")
    insecure_dev_keys: bool = _is(
        SWITCH, False, "Make the keystore's key and leave it beside the keystore. For trying things out; refused beyond loopback."
    )


@attrs.frozen(kw_only=True)
class Limits:
    """[limits]"""

    connections: int = _is(
        whole(1, 100_000), 2_000, "Connections at once; one costs under 100 KiB. The next is turned away with a time to come again."
    )
    connections_per_principal: int = _is(whole(1, 10_000), 64, "Connections of one principal at once; the next is told to come again.")
    handshakes_per_address: int = _is(whole(1, 10_000), 64, "Connections from one address that have not proved who they are.")
    address_rate: str = _is(
        RATE, "200/s burst 2000", "How often one address, of IPv6 one /64, may open a connection; beyond that it is closed unanswered."
    )
    handshake: int = _is(duration("1s", "2m"), 10 * _SECOND, "How long TLS, the upgrade and the proof of identity may take together.")
    mailbox: int = _is(
        whole(16, 1_000_000), 4_096, "Commands that wait for one tenant; a further one is refused with a time to come again."
    )
    submissions: int = _is(whole(256, 1_000_000), 16_384, "Entries of all tenants that may wait for the disk; of one tenant, half as many.")
    calls_per_connection: int = _is(whole(1, 10_000), 256, "Calls of one connection in flight.")


@attrs.frozen(kw_only=True)
class Schedule:
    """[schedule]"""

    due: int = _is(duration("10ms", "1m"), 250_000, "How often each tenant looks for approvals, warrants and reports that are overdue.")
    reconcile: int = _is(duration("1s", "7d"), 3_600 * _SECOND, "How often the folded state is compared with the ledger.")
    snapshot: int = _is(
        whole(100, 10_000_000), 20_000, "Entries between two snapshots of a tenant; a restart folds at most about this many."
    )
    heads: int = _is(duration("1s", "1h"), _SECOND, "How often the node's log commits to the heads of the tenants that changed.")
    heartbeat: int = _is(duration("1s", "10m"), 15 * _SECOND, "How often each side of a quiet connection says that it is there.")
    certificate: int = _is(
        duration("1d", "200d"), 30 * _DAY, "How long before its end the development authority renews the server's certificate."
    )


@attrs.frozen(kw_only=True)
class Witness:
    """[witness]"""

    policy: str = _is(
        PATH,
        "",
        "A C2SP tlog-policy file: which witnesses are shown every checkpoint, where, and which quorum of them makes it witnessed. "
        "Empty: none are asked.",
    )
    period: int = _is(duration("100ms", "1h"), 5 * _SECOND, "How often the witnesses are shown what has grown.")
    ca: str = _is(PATH, "", "The authorities (PEM) that vouch for witnesses on https. Empty: the system's.")


@attrs.frozen(kw_only=True)
class Tiles:
    """[tiles]"""

    tenants: tuple[str, ...] = _is(
        NAMES, (), "Tenants whose log is served as tiles over HTTPS, to its admins, approvers and auditors and to operators, by API key."
    )
    public: tuple[str, ...] = _is(
        NAMES, (), "Tenants whose log anyone may read as tiles, without a key: its headers name actors and cases."
    )
    node: str = _is(choice("off", "operators", "public"), "off", "Who may read the node's own log as tiles.")

    @property
    def any(self) -> bool:
        """Whether anything is served at all."""
        return bool(self.tenants or self.public) or self.node != "off"


@attrs.frozen(kw_only=True)
class Log:
    """[log]"""

    level: str = _is(choice("debug", "info", "warning", "error"), "info", "The least important line that is written to stderr.")
    format: str = _is(choice("text", "json"), "text", "Lines for people or for machines.")


@attrs.frozen(kw_only=True)
class Settings:
    """All sections."""

    node: Node = attrs.field(factory=Node)
    listen: Listen = attrs.field(factory=Listen)
    data: Data = attrs.field(factory=Data)
    keys: Keys = attrs.field(factory=Keys)
    limits: Limits = attrs.field(factory=Limits)
    schedule: Schedule = attrs.field(factory=Schedule)
    witness: Witness = attrs.field(factory=Witness)
    tiles: Tiles = attrs.field(factory=Tiles)
    log: Log = attrs.field(factory=Log)


SECTIONS: dict[str, type[Any]] = {
    "node": Node,
    "listen": Listen,
    "data": Data,
    "keys": Keys,
    "limits": Limits,
    "schedule": Schedule,
    "witness": Witness,
    "tiles": Tiles,
    "log": Log,
}


@attrs.frozen(kw_only=True)
class Described:
    """One setting as the operator sees it."""

    section: str
    key: str
    environment: str
    default: str  # as it is written in the file
    expects: str
    meaning: str


def kind_of(section: str, key: str) -> Kind | None:
    """What that setting expects; ``None`` if there is no such setting."""
    fields = attrs.fields_dict(SECTIONS[section]) if section in SECTIONS else {}
    kind: Kind | None = fields[key].metadata["kind"] if key in fields else None
    return kind


def describe() -> tuple[Described, ...]:
    """Every setting, in the order of the file."""
    return tuple(
        Described(
            section=section,
            key=field.name,
            environment=variable(section, field.name),
            default=field.metadata["kind"].write(field.default),
            expects=field.metadata["kind"].expects,
            meaning=field.metadata["meaning"],
        )
        for section, kind in SECTIONS.items()
        for field in attrs.fields(kind)
    )


def variable(section: str, key: str) -> str:
    """The environment variable that overrides a setting."""
    return f"VIENNA_{section}_{key}".upper()
