"""The plan's first line: what it was made from, what it would do, and whether it may."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import provision
from provision.plan.estimate import estimate
from provision.plan.guards import Measure, Verdict
from provision.plan.planfile import FORMAT_VERSION, Header
from provision.plan.planner import Draft
from provision.profile import Profile
from provision.store import Store

MOST_WITHOUT = 5


def plan_header(store: Store, profile: Profile, draft: Draft, roster_format: str) -> Header:
    """The header of the run in the store, without its digest."""
    return {
        "type": "plan",
        "format_version": FORMAT_VERSION,
        "tool_version": provision.__version__,
        "created_at": _time(draft.snapshot_at),
        "expires_at": _time(draft.snapshot_at + timedelta(seconds=profile.plan.seconds)),
        "snapshot": {"taken_at": _time(draft.snapshot_at), "delta_watermark": _watermark(store)},
        "tenant": _one(store, "SELECT id, name FROM current.tenant", "id", "name"),
        "profile": {"name": profile.name, "digest": profile.digest},
        "accepted_matches": json.loads(store.value("SELECT said FROM run.accepted_matches")),
        "approval": profile.plan.approval,
        "only": list(draft.only),
        "undoes": draft.undoes,
        "roster": {
            "format": roster_format,
            "files": _many(store, "SELECT file, sha256, records FROM roster.files ORDER BY file",
                           "file", "sha256", "records"),
            "findings": _pairs(store, "SELECT severity, count(*) FROM roster.findings GROUP BY 1 ORDER BY 1"),
        },
        "counts": _counts(store),
        "rules": _pairs(store, "SELECT rule, count(*) FROM (SELECT rule FROM run.changes UNION ALL "
                               "SELECT rule FROM run.notes) GROUP BY 1 ORDER BY 1"),
        "notes": _pairs(store, "SELECT what, count(*) FROM run.notes GROUP BY 1 ORDER BY 1"),
        "guards": [guard_line(verdict) for verdict in draft.verdicts],
        "licenses": _licenses(store),
        "schools": _schools(store),
        "estimate": estimate(store),
    }  # fmt: skip


def guard_line(verdict: Verdict) -> dict[str, Any]:
    """A verdict as it stands in the header."""
    return {
        "guard": verdict.guard,
        "limits": [str(limit) for limit in verdict.limits],
        "window": verdict.window,
        "tripped": verdict.tripped,
        "overridden": verdict.overridden,
        "silent": verdict.silent,
        "measures": [
            {"what": m.what, "count": m.count, "of": m.base, "percent": round(m.percent, 1)} for m in verdict.measures
        ],
    }


def guard_lines_now(header: Header, profile: Profile, now: datetime) -> list[dict[str, Any]]:
    """The guards of a plan that is to be applied now: those of its header, but the freeze as the calendar has it now.

    A plan that was made before a freeze, or in one, waits until it is over. An override given to the plan holds for
    the window it was given in.
    """
    bounds = profile.guards.bounds("freeze", now)
    changes = sum(number for actions in header["counts"].values() for number in actions.values())
    lines = [line for line in header["guards"] if line["guard"] != "freeze"]
    if bounds.window is None or not changes:
        return lines
    overridden = any(
        line["overridden"] and line.get("window") == bounds.window
        for line in header["guards"]
        if line["guard"] == "freeze"
    )
    measure = Measure("changes", changes, changes)
    return [*lines, guard_line(Verdict("freeze", bounds.limits, bounds.window, True, overridden, None, (measure,)))]


def limit_text(line: dict[str, Any]) -> str:
    """The limits of a guard's line in words, with the window of the calendar that sets them."""
    window = line.get("window")
    return " or ".join(line["limits"]) + (f" ({window})" if window else "")


def _counts(store: Store) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for kind, action, number in store.rows(
        "SELECT kind, action, count(*) FROM run.changes GROUP BY ALL ORDER BY kind, action"
    ):
        counts.setdefault(kind, {})[action] = number
    return counts


def _licenses(store: Store) -> list[dict[str, object]]:
    """Seats per SKU that the profile names: how many there are, are used, are asked for, and are short.

    `without` has the first of those who go without, by key; the notes have them all. `unlocated` counts the accounts
    that get a usage location before this licence, because they have none.
    """
    return _many(store, f"""
        SELECT s.part_number, s.enabled, s.consumed, coalesce(c.planned, 0),
               coalesce(c.planned, 0) + coalesce(n.short, 0), coalesce(n.short, 0),
               coalesce(n.keys, []), coalesce(c.unlocated, 0)
        FROM current.skus s
        LEFT JOIN (SELECT l.right_id, count(*) AS planned,
                          count(u.key) AS unlocated
                   FROM ({_LICENSED}) l
                   LEFT JOIN (SELECT key FROM desired.users
                              WHERE object_id IS NOT NULL AND usage_location IS NOT NULL) u ON u.key = l.left_key
                   GROUP BY l.right_id) c ON c.right_id = s.sku_id
        LEFT JOIN (SELECT right_id, count(*) AS short, min(left_key, {MOST_WITHOUT}) AS keys
                   FROM run.no_seat GROUP BY right_id) n ON n.right_id = s.sku_id
        WHERE s.sku_id IN (SELECT sku_id FROM run.disabled_plans) ORDER BY 1
        """, "sku", "enabled", "consumed", "planned", "needed", "short", "without", "unlocated")  # fmt: skip


_LICENSED = """
    SELECT left_key, right_id FROM run.changes WHERE kind = 'license'
    UNION ALL
    SELECT w.left_key, w.right_id FROM run.coming w JOIN run.changes m ON m.right_key = w.left_key
    WHERE m.kind = 'group_member' AND m.role = 'licensed'"""
"""Who is to get which licence by this plan, be it through a group."""


def _schools(store: Store) -> list[dict[str, object]]:
    """Changes that belong to one school, by action; what belongs to none is in the totals only."""
    return _many(store, """
        WITH counted AS (
            SELECT 'school:' || org_id AS school, action FROM run.changes WHERE org_id IS NOT NULL
            UNION ALL SELECT unnest(schools), action FROM run.change_schools)
        SELECT 'school:' || o.id, o.name,
               count(*) FILTER (WHERE c.action = 'create'), count(*) FILTER (WHERE c.action = 'update'),
               count(*) FILTER (WHERE c.action = 'add'), count(*) FILTER (WHERE c.action = 'remove')
        FROM counted c JOIN roster.orgs o ON 'school:' || o.id = c.school
        GROUP BY o.id, o.name ORDER BY o.name, o.id
        """, "key", "name", "create", "update", "add", "remove")  # fmt: skip


def _watermark(store: Store) -> str | None:
    """How far the directory was known: SHA-256 of where its feeds of changes go on; None where they are not had."""
    said = "SELECT sha256(string_agg(link, ' ' ORDER BY feed)) FROM current.tokens WHERE EXISTS (FROM current.reading)"
    mark = store.value(said)
    return None if mark is None else str(mark)


def _one(store: Store, sql: str, *names: str) -> dict[str, object]:
    rows = _many(store, sql, *names)
    return rows[0] if rows else dict.fromkeys(names)


def _many(store: Store, sql: str, *names: str) -> list[dict[str, object]]:
    return [dict(zip(names, row, strict=True)) for row in store.rows(sql)]


def _pairs(store: Store, sql: str) -> dict[str, int]:
    return {str(name): int(number) for name, number in store.rows(sql)}


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
