"""Entries of one log, in order from the first, each all that it must be; raises at the first that is not.

``header.parse`` is the definition of an entry, and costs too much to be asked each time.  The shortcut: cut the entry at
the names of its fields, and look at the pieces.  An entry whose pieces are, in their order, what the definition accepted
before (version, tag and tenant; actor), this sequence number, the leaf hash before, a text, and numbers in their shortest
form, is by that alone the only encoding of those fields at this place, however the cuts were found: put together again
the pieces are the entry.  Whatever has another piece, or a public part, is asked about, and so is named what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from hashlib import sha256
from itertools import takewhile
from struct import Struct
from typing import cast

import msgpack

from ledger.canonical import LARGEST
from ledger.errors import VerificationError
from ledger.header import FIRST, LARGEST_HEADER, VERSION, Header, parse
from ledger.tail import IN_CASE, LONGEST_CASE, Tail
from ledger.tree import HASH_SIZE, root_of

MOST_KNOWN = 4096  # pieces of each kind that were accepted; a log with more tags or actors asks again now and then

_STEPS = {msgpack.packb(number): number for number in range(256)}  # by their shortest form; a case with more asks
_CLOCK = Struct(">BQ")  # a time beyond 2³² µs (71 minutes) is the byte 0xcf and these eight
_EARLIEST = 1 << 32
_FOLLOWS, _COMMITMENT = b"\xa7follows", b"\xaacommitment\xc4\x20"
_NO_FOLLOWS = _FOLLOWS + b"\x90" + _COMMITMENT
_ONE, _TWO = Struct(">8sBBI13s"), Struct(">8sBBIBI13s")  # with one number or two of five bytes, as most entries have
_FROM = 1 << 16  # the least number that takes five
_SHORTEST = HASH_SIZE + len(_NO_FOLLOWS) + HASH_SIZE  # from the previous leaf hash to the end


class EntriesCheck:
    """What was read of one log so far: where its tree stands, and what the index of its cases must hold."""

    def __init__(self, log: str, number: int, salt: bytes) -> None:
        """``salt``: bytes that nobody can foresee, for ``cases``."""
        self.log, self.number = log, number
        self._prefix = salt + number.to_bytes(4, "big")
        self._pack = msgpack.Packer(autoreset=True).pack
        self._heads, self._actors = set[bytes](), set[bytes]()
        self._frontier: list[bytes] = []
        self._previous = FIRST
        self.size = 0
        self.time = 0  # µs, of the last entry
        self.cases = 0  # the sum of hash(salt ‖ row) over the rows that the index of cases must hold

    @property
    def root(self) -> bytes:
        """Of everything read so far."""
        return root_of(self._frontier)

    def tail(self, committed: int) -> Tail:
        """Where the log ends, if this was all of it."""
        return Tail(self.number, self.size, tuple(self._frontier), self._previous, self.time, committed)

    def aside(self) -> EntriesCheck:
        """Another check that stands where this one stands, and goes its own way from there."""
        other = copy(self)
        other._frontier, other._heads, other._actors = list(self._frontier), set(self._heads), set(self._actors)
        return other

    def take(self, values: Sequence[bytes | None], commitments: list[bytes] | None = None) -> list[Header]:
        """Check the next stored entries; the headers among them that say something in public.

        Every ``commitments`` to a body is added there, if wanted.  Raises VerificationError with its place.
        """
        there = tuple(takewhile(lambda value: value is not None, values)) if None in values else values
        headers = self._take(cast("Sequence[bytes]", there), commitments)
        if len(there) < len(values):
            raise VerificationError("the entry is missing", log=self.log, index=self.size)
        return headers

    def _take(self, values: Sequence[bytes], commitments: list[bytes] | None) -> list[Header]:
        """Hot: 4 µs an entry, of which half are the two hashes."""
        headers = list[Header]()
        heads, actors, frontier = self._heads, self._actors, self._frontier
        pack, step_of, clock_of, in_case = self._pack, _STEPS.get, _CLOCK.unpack, IN_CASE.pack
        size, previous, time, cases = self.size, self._previous, self.time, self.cases
        case, step = b"\xa0", 0  # of the entry before: entries of one case often follow each other
        row: bytes | None = b""  # how the rows of its index begin
        for value in values:
            border = HASH_SIZE * (size + 1 & ~size).bit_length()  # ``tree.nodes_with_leaf``
            entry = value[border:]
            head, _, rest = entry.partition(b"\xa8sequence")
            sequence, _, rest = rest.partition(b"\xa4time")
            clock, _, rest = rest.partition(b"\xa5actor")
            actor, _, rest = rest.partition(b"\xa4case")
            named, _, rest = rest.partition(b"\xa4step")
            place, _, rest = rest.partition(b"\xa8previous\xc4\x20")
            known = False
            if head in heads and actor in actors and sequence == pack(size) and rest.startswith(previous) and len(clock) == _CLOCK.size:
                mark, time = clock_of(clock)
                step = step_of(place, -1)
                if mark == 0xCF and _EARLIEST <= time <= LARGEST and step >= 0 and len(entry) <= LARGEST_HEADER:
                    if named != case and (row := self._row_of(named)) is not None:
                        case = named
                    known = named == case and (
                        (len(rest) == _SHORTEST and rest.startswith(_NO_FOLLOWS, HASH_SIZE)) or self._follows(rest, size)
                    )
            if known:
                commitment = rest[-HASH_SIZE:]
            else:
                header = self._look(entry, size, previous)
                if header.public:
                    headers.append(header)
                time, step, case, commitment = header.time, header.step, pack(header.case), header.commitment
                row = self._row_of(case)
            previous = node = sha256(b"\x00" + entry).digest()
            done = node
            if size & 1:
                at = size
                while at & 1:  # ``tree.extend``, without a call an entry
                    node = sha256(b"\x01" + frontier.pop() + node).digest()
                    done += node
                    at >>= 1
            frontier.append(node)
            if done != value[:border]:
                raise self._other_node(size, value, done)
            if row:
                cases += hash(row + in_case(step, size))
            if commitments is not None:
                commitments.append(commitment)
            size += 1
        self.size, self._previous, self.time, self.cases = size, previous, time, cases
        return headers

    def _row_of(self, case: bytes) -> bytes | None:
        """How the rows of a case begin, empty without a case; None for what is not the shortest form of a case's name."""
        if case == b"\xa0":
            return b""
        if 0xA0 < case[0] < 0xC0 if case else False:
            name, length = case[1:], case[0] & 0x1F
        elif len(case) > 33 and case[0] == 0xD9:  # longer than the short form can say
            name, length = case[2:], case[1]
        else:
            return None
        if len(name) != length or length > LONGEST_CASE:
            return None
        try:
            name.decode()
        except UnicodeDecodeError:
            return None
        return self._prefix + bytes([length]) + name

    def _follows(self, rest: bytes, size: int) -> bool:
        """Whether a list of earlier sequence numbers lies between the previous leaf hash and the commitment."""
        longer = len(rest) - _SHORTEST
        if longer == 5:
            before, head, mark, number, after = _ONE.unpack_from(rest, HASH_SIZE)
            if before == _FOLLOWS and after == _COMMITMENT and head == 0x91 and mark == 0xCE:
                return bool(_FROM <= number < size)
        elif longer == 10:
            before, head, mark, number, other, second, after = _TWO.unpack_from(rest, HASH_SIZE)
            if before == _FOLLOWS and after == _COMMITMENT and head == 0x92 and mark == other == 0xCE:
                return bool(_FROM <= number < size and _FROM <= second < size)
        middle = rest[HASH_SIZE:-HASH_SIZE]
        if longer <= 0 or not middle.startswith(_FOLLOWS) or not middle.endswith(_COMMITMENT):
            return False
        listed = middle[len(_FOLLOWS) : -len(_COMMITMENT)]
        try:
            numbers = msgpack.unpackb(listed)
        except (ValueError, TypeError, msgpack.UnpackException):
            return False
        if type(numbers) is not list or not all(type(number) is int and 0 <= number < size for number in numbers):
            return False
        return bool(self._pack(numbers) == listed)

    def _look(self, entry: bytes, index: int, previous: bytes) -> Header:
        """What the definition says of an entry; the pieces that it accepts are known from then on."""
        try:
            header = parse(entry)
        except VerificationError as error:
            raise error.at(self.log, index) from None
        if header.tenant != self.log or header.sequence != index:
            raise VerificationError("the header belongs to another place", log=self.log, index=index)
        if header.previous != previous:
            raise VerificationError("the header does not follow the entry before it", log=self.log, index=index)
        if len(header.case.encode()) > LONGEST_CASE:
            raise VerificationError(f"a case's name is longer than {LONGEST_CASE} bytes", log=self.log, index=index)
        head = b"\x8b\xa7version" + self._pack(VERSION) + b"\xa3tag" + self._pack(header.tag) + b"\xa6tenant" + self._pack(header.tenant)
        for piece, known in ((head, self._heads), (self._pack(header.actor), self._actors)):
            if len(known) >= MOST_KNOWN:
                known.clear()
            known.add(piece)
        return header

    def _other_node(self, index: int, value: bytes, done: bytes) -> VerificationError:
        level = next(at for at in range(len(done)) if value[at : at + 1] != done[at : at + 1]) // HASH_SIZE
        return VerificationError(f"the node stored at level {level} is another", log=self.log, index=index)
