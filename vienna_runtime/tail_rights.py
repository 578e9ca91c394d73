"""What a reader of a tail is owed: so that what the server keeps to itself is told from what it may keep.

A position that is not owed comes as its leaf hash, which proves its place and shows nothing.  Whether something more
matched a filter cannot be told from a hash; but a case counts its own steps, so that of a case that is shown nothing can be
left out between two of its entries.
"""

from __future__ import annotations

import enum
from collections import OrderedDict

import attrs

from actors.governance import kinds
from ledger import Header, removal

MOST_CASES = 4096  # whose last step is remembered; a case that was forgotten is taken up again where it goes on


class Rights(enum.Enum):
    """How much of a position the log's members of a kind are shown."""

    ALL = "header and body"
    HEADERS = "header"
    OWN = "header and body of the cases it takes part in, of the others the leaf hash"

    @classmethod
    def of(cls, role: str) -> Rights:
        """Those of a member of that kind."""
        if role == kinds.OPERATOR:
            return cls.HEADERS
        return cls.ALL if role in (kinds.ADMIN, kinds.APPROVER, kinds.AUDITOR) else cls.OWN

    def has_body(self, header: Header) -> bool:
        """Whether an entry that is shown must come with its body.  Of a removal others than ``ALL`` get the header."""
        return self is Rights.ALL or (self is Rights.OWN and header.tag != removal.TAG)


@attrs.frozen
class Wanted:
    """A filter: one case, tags that begin in one of these ways, or both; nothing leaves out nothing."""

    case: str | None = None
    tags: tuple[str, ...] = ()

    def takes(self, header: Header) -> bool:
        return (self.case is None or header.case == self.case) and (not self.tags or header.tag.startswith(self.tags))


class Steps:
    """The steps of the cases that are shown, where each case is shown as a whole."""

    def __init__(self, wanted: Wanted, rights: Rights, *, from_first: bool) -> None:
        self._counted = not wanted.tags and (wanted.case is not None or rights is Rights.OWN)  # else nothing is hidden, or steps are
        self._from_first = from_first and rights is not Rights.OWN  # a part in a case may be had later than its first entry
        self._steps: OrderedDict[str, int] = OrderedDict()
        self._forgot = False

    def gap(self, header: Header) -> str | None:
        """What is wrong if a step of this entry's case was left out before it."""
        if not header.case or not self._counted or header.tag == removal.TAG:
            return None
        last = self._steps.pop(header.case, None)
        if last is None and self._from_first and not self._forgot:
            last = 0
        self._steps[header.case] = header.step
        if len(self._steps) > MOST_CASES:
            self._steps.popitem(last=False)
            self._forgot = True
        if last is None or header.step == last + 1:
            return None
        return f"step {header.step} of the case {header.case!a} came after step {last}: an entry of it was withheld"
