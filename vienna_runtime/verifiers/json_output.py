"""What a JSON path finds in a read-only program's output, or whether the output fits a JSON schema.

Runs as ``exit_code`` does, with the same settings; then `json_path` with `expected`, or `schema`, a file beside the configuration.
The schema is read when the configuration is, and refers to nothing outside itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import attrs
import jsonschema
from referencing import Registry
from referencing.exceptions import Unresolvable

from vienna_runtime.executors.errors import NotStarted
from vienna_runtime.executors.process import Invocation, invocation
from vienna_runtime.executors.settings import Table
from vienna_runtime.executors.spawn import Exited
from vienna_runtime.executors.subject import Subject
from vienna_runtime.verifiers import expect, json_look
from vienna_runtime.verifiers.observe import Expectation, Literal, Source, Value

FITS = "fits the schema"
_MOST_SCHEMA = 1 << 18


@attrs.frozen(kw_only=True)
class JsonOutput:
    subject: Subject
    source: Source
    invocation: Invocation
    json_path: str
    schema: Mapping[str, Any] | None
    successes: frozenset[int]

    def expected(self, expectation: Expectation) -> Value:
        value = expect.resolve(self.source, expectation)
        return value if isinstance(value, int) and not isinstance(value, bool) else expect.text(value)

    async def look(self, expectation: Expectation) -> Value:
        ran = await self.invocation.run(expectation.values(self.subject), expectation.effect_id, math.inf)
        if not isinstance(ran.ending, Exited) or ran.leftover or ran.ending.code not in self.successes:
            raise NotStarted(f"the command did not end well ({ran.ending}), so its output means nothing")
        if ran.stdout.size > len(ran.stdout.head):
            raise NotStarted(f"the command wrote {ran.stdout.size} bytes, more than max_output keeps to compare")
        value = json_look.read(ran.stdout.head)
        if self.schema is None:
            return json_look.found(value, self.json_path)
        try:
            wrong = next(jsonschema.Draft202012Validator(self.schema, registry=Registry()).iter_errors(value), None)
        except Unresolvable as error:
            raise NotStarted(f"the schema refers to something outside itself: {error}") from None
        return FITS if wrong is None else f"{wrong.json_path}: {wrong.message}"[:300]


def json_output(table: Table, subject: Subject) -> JsonOutput:
    if not table.boolean("read_only", False):
        raise table.invalid("read_only", "must be true: say that this command only looks, and give it credentials that cannot write")
    schema = None
    if written := table.text("schema", ""):
        try:
            schema = json.loads(table.beside(written).read_bytes()[:_MOST_SCHEMA])
            jsonschema.Draft202012Validator.check_schema(schema)
        except (OSError, ValueError, jsonschema.SchemaError) as error:
            raise table.invalid("schema", f"is {written!r}, which is no JSON schema that can be read: {str(error)[:150]}") from None
    path = table.text("json_path", "$") if schema is not None else table.text("json_path")
    try:
        json_look.path(path)
    except ValueError as wrong:
        raise table.invalid("json_path", str(wrong)) from None
    return JsonOutput(
        subject=subject,
        source=expect.source(table, subject.declared, Literal(FITS) if schema is not None else None),
        invocation=invocation(table, subject.declared, file_size="0B"),
        json_path=path,
        schema=schema,
        successes=frozenset(table.integers("exit_codes", [0])),
    )
