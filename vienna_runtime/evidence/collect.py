"""Puts together what the node sends about one case; begins again where the connection did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vienna_runtime.errors import VerificationError
from vienna_runtime.evidence import form
from vienna_runtime.evidence.form import Commitment, Evidence, Proved, Share, Witnessed


class Collector:
    """Fed with the items of ``evidence`` in their order; nothing of it is believed, ``verify_evidence`` does that."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._start: Mapping[str, Any] = {}
        self._logs: dict[str, Mapping[str, Any]] = {}
        self._commitment: Mapping[str, Any] | None = None
        self._entries: dict[str, list[Proved]] = {}
        self._size = 0

    @property
    def entries(self) -> int:
        """How many there are so far."""
        return sum(map(len, self._entries.values()))

    def feed(self, item: Mapping[str, Any]) -> Evidence | None:
        """The evidence, once the last item is there; raises VerificationError for what is no part of evidence."""
        try:
            return self._fed(item)
        except (KeyError, TypeError, ValueError) as error:
            raise VerificationError(f"the node sent something that is no part of evidence ({type(error).__name__})") from None

    def _fed(self, item: Mapping[str, Any]) -> Evidence | None:
        match item["kind"]:
            case "start":
                self._begin()  # also after a connection was lost: under these heads everything is sent again
                self._start = item
            case "log":
                self._logs[item["log"]] = item
                self._entries[item["log"]] = []
            case "commitment":
                self._commitment = item["commitment"]
            case "entry":
                proved = Proved(entry=item["entry"], salt=item["salt"], body=item["body"], proof=tuple(item["proof"]))
                self._entries[item["log"]].append(proved)
                self._size += len(proved.entry) + len(proved.body or b"")
                if self._size > form.LARGEST:
                    raise VerificationError(f"the evidence is larger than a file of it can be ({form.LARGEST} bytes)")
            case "end":
                if item["entries"] != self.entries:
                    raise VerificationError(f"the node says it sent {item['entries']} entries, {self.entries} came")
                return self._whole()
            case _:
                raise ValueError(item["kind"])
        return None

    def _whole(self) -> Evidence:
        tenant = self._start["tenant"]
        bound = self._commitment
        return Evidence(
            node=self._start["node"],
            tenant=tenant,
            case=self._start["case"],
            node_log=self._share(""),
            tenant_log=self._share(tenant),
            commitment=None
            if bound is None
            else Commitment(**{**bound, "proof": tuple(bound["proof"]), "consistency": tuple(bound["consistency"])}),
        )

    def _share(self, log: str) -> Share:
        about = self._logs[log]
        witnessed = about["witnessed"]
        return Share(
            checkpoint=about["checkpoint"],
            witnessed=None if witnessed is None else Witnessed(note=witnessed["note"], consistency=tuple(witnessed["consistency"])),
            entries=tuple(self._entries[log]),
        )
