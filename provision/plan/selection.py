"""Naming a part of a plan: `school:10`, `person:S1`, `kind:user` …, for approvals and for plans of one thing."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from provision.errors import UsageError
from provision.store import Store
from provision.store.sql import literal

SELECTORS = {
    "school": "list_contains(schools, 'school:' || {value})",
    "section": "'section:' || {value} IN (key, left_key, right_key)",
    "person": "'user:' || {value} IN (key, left_key, right_key)",
    "kind": "kind = {value}",
    "action": "action = {value}",
    "rule": "rule = {value}",
    "key": "key = {value}",
    "id": "id = {value}",
}
"""What a selector names, as SQL over changes with the keys of both ends and the list of their schools."""

SCHOOLS = "CASE WHEN org_id IS NULL THEN coalesce(schools, []) ELSE ['school:' || org_id] END"
"""SQL over `run.changes` with `run.change_schools` beside it: the keys of the schools that a change belongs to."""

ABOUT = {"school": "orgs", "section": "sections", "person": "persons"}
"""Selectors that name something of the roster, which may be as wanted already: the roster table that has it."""


def selected(selector: str) -> str:
    """SQL that is true for the changes that the selector names. Raises `UsageError` where it is none."""
    kind, colon, value = selector.partition(":")
    if not colon or not value or kind not in SELECTORS:
        near = get_close_matches(kind, SELECTORS, 1)
        raise UsageError(
            f"'{selector}' names no changes" + (f"; did you mean {near[0]}:…?" if near else "."),
            [f"Name them by {', '.join(f'{each}:…' for each in SELECTORS)}."],
        )
    return f"coalesce({SELECTORS[kind].format(value=literal(value))}, false)"


def keep_only(store: Store, selectors: Sequence[str]) -> None:
    """Leave only those changes in the plan that the selectors name, and what these need; and the notes about them.

    A person goes by id or user name, of any case. Raises `UsageError` for what neither the plan nor the roster knows.
    """
    meant = [each for selector in selectors for each in _meant(store, selector)]
    wanted = " OR ".join(map(selected, meant))
    store.run(f"""
        CREATE OR REPLACE TABLE run.chosen AS
        SELECT id, depends_on
        FROM (SELECT c.*, {SCHOOLS} AS schools FROM run.changes c LEFT JOIN run.change_schools s USING (id))
        WHERE {wanted}""")
    while store.value("""
        INSERT INTO run.chosen SELECT c.id, c.depends_on FROM run.changes c
        WHERE c.id IN (SELECT unnest(depends_on) FROM run.chosen) AND c.id NOT IN (SELECT id FROM run.chosen)"""):
        pass  # what those need, until nothing does
    told = " OR ".join(map(_tells_of, meant))
    store.run(f"DELETE FROM run.notes WHERE NOT ({told})")
    for table in ("changes", "change_schools"):
        store.run(f"DELETE FROM run.{table} WHERE id NOT IN (SELECT id FROM run.chosen)")


def add_dependents(store: Store, changes: str, undone: str, values: str) -> None:
    """Add to the table `undone (id, …)` whatever of the table `changes` cannot be done without what is in it.

    `values` is SQL for its columns after the id, over those that are needed, `u`: one of them will do.
    """
    while store.value(f"""
        INSERT INTO {undone} SELECT c.id, {values}
        FROM (SELECT id, unnest(depends_on) AS needs FROM {changes}) c JOIN {undone} u ON u.id = c.needs
        WHERE c.id NOT IN (SELECT id FROM {undone}) GROUP BY c.id"""):
        pass  # what needs those, until nothing does


def _meant(store: Store, selector: str) -> list[str]:
    """The selector with the id that the roster spells so, if it names something of the roster."""
    selected(selector)
    kind, _, value = selector.partition(":")
    if kind not in ABOUT:
        return [selector]
    names = ("id", "source_id", "username") if kind == "person" else ("id",)
    alike = " OR ".join(f"lower({name}) = lower({literal(value)})" for name in names)
    found = store.rows(f"SELECT DISTINCT id FROM roster.{ABOUT[kind]} WHERE {alike} ORDER BY 1")
    gone = "user" if kind == "person" else kind
    if not found and not store.value("SELECT count(*) FROM ledger.objects WHERE key = ?", [f"{gone}:{value}"]):
        raise UsageError(
            f"Neither the roster nor the ledger has the {kind} '{value}'.",
            ["`provision explain` finds what is spelled alike."],
        )
    return [f"{kind}:{id_}" for (id_,) in found] or [selector]


def _tells_of(selector: str) -> str:
    """SQL over notes: whether one is about what the selector names, as far as its key tells."""
    kind, _, value = selector.partition(":")
    given = literal(value)
    if kind == "person":
        return f"(key = 'user:' || {given} OR kind <> 'user' AND ends_with(key, '/' || {given}))"
    if kind == "section":
        return f"(key = 'section:' || {given} OR starts_with(key, kind || ':' || run.part({given}) || '/'))"
    if kind == "school":
        return f"key = 'school:' || {given}"
    if kind in ("kind", "rule", "key"):
        return f"{kind} = {given}"
    return "false"
