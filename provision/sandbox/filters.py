"""`$filter`: the part of OData that the directory answers, as a predicate and, if possible, an index look-up.

Known: `eq ne in startswith endswith and or not`, parentheses, `any` on collections, null, and paths such
as `onPremisesExtensionAttributes/extensionAttribute1`. Limits as published for directory objects
(learn.microsoft.com/graph/aad-advanced-queries): 15 alternatives, and an advanced-query header for `ne`,
`not` and `endswith`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from provision.sandbox import errors
from provision.sandbox.properties import Resource
from provision.sandbox.tenant import Values

MOST_ALTERNATIVES = 15

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|([A-Za-z_][\w/.-]*:?|[0-9a-fA-F-]{36}|-?\d+)|([(),]))")

Test = Callable[[Values], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter. `lookup` lists (property, value) pairs one of which every match has, or is None."""

    test: Test
    lookup: tuple[tuple[str, str], ...] | None = None
    alternatives: int = 1
    advanced: bool = False


def parse(text: str, resource: Resource) -> Filter:
    """The filter that `text` spells. Raises `GraphError`: bad syntax, unknown or unfilterable properties."""
    parser = _Parser(text, resource)
    found = parser.disjunction()
    if parser.peek() is not None:
        raise errors.bad_filter(f"Syntax error at '{parser.peek()}' in '{text}'.")
    return found


class _Parser:
    """Recursive descent, one method for each rule of the grammar."""

    def __init__(self, text: str, resource: Resource) -> None:
        self.text = text
        self.resource = resource
        self.tokens = self._split(text)
        self.at = 0
        self.variable = ""

    def _split(self, text: str) -> list[str]:
        tokens, at = [], 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise errors.bad_filter(f"Syntax error at position {at} in '{text}'.")
            tokens.append(match.group().strip())
            at = match.end()
        return tokens

    def peek(self, ahead: int = 0) -> str | None:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else None

    def take(self, expected: str | None = None) -> str:
        token = self.peek()
        if token is None or (expected is not None and token.lower() != expected):
            raise errors.bad_filter(f"Syntax error: '{expected or 'more'}' is missing in '{self.text}'.")
        self.at += 1
        return token

    def disjunction(self) -> Filter:
        parts = [self.conjunction()]
        while (self.peek() or "").lower() == "or":
            self.take()
            parts.append(self.conjunction())
        if len(parts) == 1:
            return parts[0]
        count = sum(part.alternatives for part in parts)
        if count > MOST_ALTERNATIVES:
            raise errors.too_many_clauses(count)
        lookups = [part.lookup for part in parts]
        lookup = None if None in lookups else tuple(pair for each in lookups for pair in each or ())
        tests = [part.test for part in parts]
        return Filter(
            lambda values: any(test(values) for test in tests),
            lookup,
            count,
            any(part.advanced for part in parts),
        )

    def conjunction(self) -> Filter:
        parts = [self.negation()]
        while (self.peek() or "").lower() == "and":
            self.take()
            parts.append(self.negation())
        if len(parts) == 1:
            return parts[0]
        lookup = next((part.lookup for part in parts if part.lookup is not None), None)
        tests = [part.test for part in parts]
        return Filter(
            lambda values: all(test(values) for test in tests),
            lookup,
            max(part.alternatives for part in parts),
            any(part.advanced for part in parts),
        )

    def negation(self) -> Filter:
        if (self.peek() or "").lower() != "not":
            return self.term()
        self.take()
        inner = self.term()
        return Filter(lambda values: not inner.test(values), None, inner.alternatives, advanced=True)

    def term(self) -> Filter:
        if self.peek() == "(":
            self.take()
            inner = self.disjunction()
            self.take(")")
            return inner
        word = (self.peek() or "").lower()
        if word in ("startswith", "endswith") and self.peek(1) == "(":
            return self.function(word)
        if word.endswith("/any"):
            return self.anything()
        return self.comparison()

    def function(self, word: str) -> Filter:
        self.take()
        self.take("(")
        read = self.path(self.take())
        self.take(",")
        edge = str(self.literal(self.take())).lower()
        self.take(")")
        if word == "startswith":
            return Filter(lambda values: str(read(values) or "").lower().startswith(edge))
        return Filter(lambda values: str(read(values) or "").lower().endswith(edge), advanced=True)

    def anything(self) -> Filter:
        read = self.path(self.take()[: -len("/any")])
        self.take("(")
        self.variable = self.take().rstrip(":")
        inner = self.disjunction()
        self.variable = ""
        self.take(")")
        return Filter(lambda values: any(inner.test(_element(item)) for item in _items(read(values))))

    def comparison(self) -> Filter:
        name = self.take()
        read = self.path(name)
        operator = self.take().lower()
        if operator == "in":
            return self.within(name, read)
        if operator not in ("eq", "ne"):
            raise errors.unsupported("Unsupported Query.")
        wanted = _folded(self.literal(self.take()))
        if operator == "ne":
            return Filter(lambda values: _folded(read(values)) != wanted, None, advanced=True)
        lookup = ((name, wanted),) if isinstance(wanted, str) and not self.variable else None
        return Filter(lambda values: _folded(read(values)) == wanted, lookup)

    def within(self, name: str, read: Callable[[Values], object]) -> Filter:
        self.take("(")
        wanted = [_folded(self.literal(self.take()))]
        while self.peek() == ",":
            self.take()
            wanted.append(_folded(self.literal(self.take())))
        self.take(")")
        if len(wanted) > MOST_ALTERNATIVES:
            raise errors.too_many_clauses(len(wanted))
        lookup = tuple((name, str(value)) for value in wanted)
        return Filter(lambda values: _folded(read(values)) in wanted, lookup, len(wanted))

    def path(self, name: str) -> Callable[[Values], object]:
        """A reader of `name`, which may be the variable of an `any` or lead into a complex value."""
        first, *rest = name.split("/")
        if self.variable and first == self.variable:
            return lambda values: values.get(rest[0] if rest else "")
        if not self.resource.has(first):
            raise errors.unknown_filtered(first, self.resource.wire)
        if first not in self.resource.filterable:
            raise errors.not_filterable(first, self.resource.name)
        if rest:
            if rest[0] not in self.resource.properties[first].parts:
                raise errors.unknown_filtered(name, self.resource.wire)
            return lambda values: (values.get(first) or {}).get(rest[0])
        return lambda values: values.get(first)

    def literal(self, token: str) -> object:
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token.lower() in ("null", "true", "false"):
            return {"null": None, "true": True, "false": False}[token.lower()]
        if re.fullmatch(r"-?\d+", token):
            return int(token)
        if re.fullmatch(r"[0-9a-fA-F-]{36}", token):
            return token
        raise errors.bad_filter(f"'{token}' is no value in '{self.text}'.")


def _folded(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _element(item: object) -> Values:
    """An item of a collection as something to read from; a plain value goes under the empty name."""
    return item if isinstance(item, dict) else {"": item}
