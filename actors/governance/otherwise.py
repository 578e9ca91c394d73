"""What would have had to differ: single changes of a question to which policy gives another answer.

Nothing here is deduced.  Values worth trying are taken from the bundle's own text (its numbers, texts and roles), each is put
into the question, and Cedar is asked; between two numbers with different answers the boundary is found by halving.  So whatever is
said to make a difference has made it, and what is not found may still exist: two changes at once are not tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import attrs

from .bundle import Bundle
from .canonical import MAX_INTEGER, Value
from .judge import judge
from .params import Param, scale, unscale
from .question import Answer, Fact, Permitted, Question

MOST_TRIED = 4_000  # questions for one explanation, some 0.2 s
MOST_LITERALS = 256  # of each kind, from the policies that can concern the action
_NUMBER = re.compile(r"(?<![\w.\"])-?\d{1,19}\b")
_ANNOTATION = re.compile(r'@\w+\s*\(\s*"(?:[^"\\]|\\.)*"\s*\)')
_TEXT = re.compile(r'"((?:[^"\\\n]|\\.){0,128})"')
_ROLE = re.compile(r'Role::"((?:[^"\\\n]|\\.){1,64})"')

Outcome: TypeAlias = tuple[str, str]  # tier or "deny", and the quorum


@attrs.frozen(kw_only=True)
class Otherwise:
    """``what`` is a path as in policies (``context.params.amount``); ``was`` and ``were`` are the values, as people write them."""

    what: str
    was: str
    were: str
    question: Question
    answer: Answer


def outcome(answer: Answer) -> Outcome:
    return (answer.obligations.tier, str(answer.obligations.quorum or "")) if isinstance(answer, Permitted) else ("deny", "")


def otherwise(bundle: Bundle, question: Question) -> tuple[Otherwise, ...]:
    """Every outcome that one change reaches: for each part of the question, and for numbers in each direction, the nearest value."""
    action = bundle.catalogue.get(question.action)
    if action is None:
        return ()
    return tuple(_Search(bundle, question).all(action.params))


class _Search:
    def __init__(self, bundle: Bundle, question: Question) -> None:
        self._bundle, self._question = bundle, question
        self._base = outcome(judge(bundle, question))
        self._left = MOST_TRIED
        text = _ANNOTATION.sub("", "\n".join(policy.text for policy in bundle.slices[question.action].policies))
        self._numbers = sorted({int(found) for found in _NUMBER.findall(text)[:MOST_LITERALS]})
        self._texts = sorted(set(_TEXT.findall(text)[:MOST_LITERALS]))
        self._roles = sorted(set(_ROLE.findall(text)[:MOST_LITERALS]))

    def all(self, params: tuple[Param, ...]) -> Iterator[Otherwise]:
        question = self._question
        for role in self._roles:
            has = role in question.roles
            roles = question.roles - {role} if has else question.roles | {role}
            yield from self._tried("principal in role", "has it" if has else "has it not", f"{role}: {'without' if has else 'with'} it",
                                   [attrs.evolve(question, roles=roles)])  # fmt: skip
        kind, slash, name = question.resource.partition("/")
        kinds = [text for text in self._texts if text != kind and "/" not in text]
        yield from self._texts_of("resource.kind", kind, kinds, lambda text: attrs.evolve(question, resource=f"{text}{slash}{name}"))
        whole = [text for text in self._texts if "/" in text and text != question.resource]
        yield from self._texts_of("resource.id", question.resource, whole, lambda text: attrs.evolve(question, resource=text))
        yield from self._numbers_of("context.cost", Param(name="cost", kind="integer", lowest=0), question.cost, self._with_cost)
        for param in params:
            yield from self._param(param)
        for fact in self._bundle.slices[question.action].facts:
            value = question.facts.get(fact.name)
            if isinstance(value, (bool, int, str)):
                yield from self._one(f"context.facts.{fact.name}", fact, value, lambda new, fact=fact: self._with_fact(fact.name, new))  # type: ignore[misc]

    def _param(self, param: Param) -> Iterator[Otherwise]:
        given = self._question.params.get(param.name)
        path = f"context.params.{param.name}"
        if given is None:
            return
        value = given
        if param.kind == "decimal":
            scaled = scale(str(given["dec"]), param.places) if isinstance(given, Mapping) and "dec" in given else None
            if not isinstance(scaled, int):
                return
            value = scaled
        yield from self._one(path, param, value, lambda new: self._with_param(param, new))
        if not param.required:
            rest = {name: item for name, item in self._question.params.items() if name != param.name}
            yield from self._tried(path, _said(param, value), "left out", [attrs.evolve(self._question, params=rest)])

    def _one(self, path: str, param: Param, value: Value | Fact, make: Callable[[Value], Question]) -> Iterator[Otherwise]:
        if isinstance(value, bool):
            yield from self._tried(path, str(value).lower(), str(not value).lower(), [make(not value)])
        elif isinstance(value, int):
            yield from self._numbers_of(path, param, value, make)
        elif isinstance(value, str):
            texts = sorted(param.choices) if param.choices else self._texts
            yield from self._texts_of(path, value, [text for text in texts if text != value], make)

    def _with_cost(self, value: Value) -> Question:
        assert isinstance(value, int)
        return attrs.evolve(self._question, cost=value)

    def _with_fact(self, name: str, value: Value) -> Question:
        assert isinstance(value, (bool, int, str))
        return attrs.evolve(self._question, facts={**self._question.facts, name: value})

    def _with_param(self, param: Param, value: Value) -> Question:
        written: Value = {"dec": unscale(value, param.places)} if param.kind == "decimal" and isinstance(value, int) else value
        return attrs.evolve(self._question, params={**self._question.params, param.name: written})

    def _tried(self, what: str, was: str, were: str, questions: list[Question]) -> Iterator[Otherwise]:
        for question in questions:
            answer = self._ask(question)
            if answer is not None and outcome(answer) != self._base:
                yield Otherwise(what=what, was=was, were=were, question=question, answer=answer)

    def _texts_of(self, what: str, was: str, texts: list[str], make: Callable[[str], Question]) -> Iterator[Otherwise]:
        """For each outcome the first text that reaches it."""
        seen = {self._base}
        for text in texts:
            question = make(text)
            answer = self._ask(question)
            if answer is not None and (reached := outcome(answer)) not in seen:
                seen.add(reached)
                yield Otherwise(what=what, was=was, were=text, question=question, answer=answer)

    def _numbers_of(self, what: str, param: Param, value: int, make: Callable[[Value], Question]) -> Iterator[Otherwise]:
        """Outwards from the value, in each direction: the nearest number of each other outcome."""
        lowest = -MAX_INTEGER if param.lowest is None else param.lowest
        highest = MAX_INTEGER if param.highest is None else param.highest
        near = {number + step for number in self._numbers for step in (-1, 0, 1)} | {0, value}
        near |= {end for end in (param.lowest, param.highest) if end is not None}
        points = sorted(point for point in near if lowest <= point <= highest)
        for line in ([p for p in points if p > value], [p for p in reversed(points) if p < value]):
            seen, before = {self._base}, value
            reached_before = self._base
            for point in line:
                reached = self._reached(make, point)
                if reached is None:
                    break
                if reached not in (reached_before, *seen):
                    edge = self._edge(make, before, point, reached_before)
                    question = make(edge)
                    answer = self._ask(question)
                    if answer is not None and outcome(answer) not in seen:
                        seen.add(outcome(answer))
                        yield Otherwise(what=what, was=_said(param, value), were=_said(param, edge), question=question, answer=answer)
                before, reached_before = point, reached

    def _edge(self, make: Callable[[Value], Question], near: int, far: int, at_near: Outcome) -> int:
        """The number next to ``near``'s side whose outcome is another than there."""
        while abs(far - near) > 1:
            middle = (near + far) // 2
            if self._reached(make, middle) == at_near:
                near = middle
            else:
                far = middle
        return far

    def _reached(self, make: Callable[[Value], Question], value: int) -> Outcome | None:
        answer = self._ask(make(value))
        return None if answer is None else outcome(answer)

    def _ask(self, question: Question) -> Answer | None:
        if self._left <= 0:
            return None
        self._left -= 1
        return judge(self._bundle, question)


def _said(param: Param, value: Value | Fact) -> str:
    return unscale(value, param.places) if isinstance(value, int) and not isinstance(value, bool) else str(value)
