"""Saying yes to a match: whether the key and the object can belong together, as far as roster and directory tell."""

from __future__ import annotations

import re
from datetime import datetime

from provision.errors import UnknownKey, UsageError
from provision.plan.matches import OF
from provision.policy.accepted import KINDS, OF_ANOTHER, Yes, accepted_path
from provision.policy.matching import judge_accepted
from provision.profile import Profile, nearest
from provision.store import Store

MOST_ALIKE = 5


def accept_match(store: Store, profile: Profile, key: str, object_id: str, by: str, reason: str, now: datetime) -> Yes:
    """The row for the file of accepted matches, after `planner.match_up`. Nothing is written.

    Raises `UnknownKey` for a key that is not in the roster's scope or an object that is not in Microsoft 365, with what
    is near; `UsageError` where there is nothing to say yes to, or where it would not be one to one.
    """
    kind, object_id = key.partition(":")[0], object_id.strip().lower()
    if kind not in KINDS:
        raise UsageError(
            f"'{key}' is no key of a person, class or school{nearest(kind, KINDS)}",
            ["`provision match report` lists the keys: user:S1, section:C1, school:10."],
        )
    _refuse_unknown_key(store, kind, key)
    _refuse_unknown_object(store, kind, key, object_id)
    _refuse_said_already(store, profile, kind, key, object_id)
    _refuse_anothers(store, profile, kind, key, object_id)
    account = store.value(
        f"SELECT coalesce(account, title) FROM {OF[kind]['current']} WHERE object_id = ?", [object_id]
    )
    moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Yes(key, object_id, str(account), by.strip(), moment, reason.strip())


def _refuse_unknown_key(store: Store, kind: str, key: str) -> None:
    if store.value(f"SELECT count(*) FROM {OF[kind]['wanted']} WHERE key = ?", [key]):
        return
    alike = _near(store, f"SELECT key AS name FROM {OF[kind]['wanted']}", key)
    raise UnknownKey(
        f"The roster has no '{key}', or it is held or out of scope{nearest(key, alike) or '.'}",
        ["`provision explain KEY --profile FILE` says which."],
    )


def _refuse_unknown_object(store: Store, kind: str, key: str, object_id: str) -> None:
    current = OF[kind]["current"]
    if store.value(f"SELECT count(*) FROM {current} WHERE object_id = ?", [object_id]):
        return
    known = store.rows(
        f"""
        SELECT DISTINCT o.object_id, coalesce(o.account, o.title) FROM {current} o
        WHERE lower(o.account) = $given
           OR o.object_id IN (SELECT object_id FROM run.{kind}_claims WHERE key = $key) ORDER BY ALL LIMIT {MOST_ALIKE}
        """,
        {"given": object_id, "key": key},
    )
    alike = _near(store, f"SELECT object_id AS name FROM {current}", object_id)
    raise UnknownKey(
        f"Microsoft 365 has no {kind} with the object id '{object_id}'{nearest(object_id, alike) or '.'}",
        [f"It may be {id_} ({name})." for id_, name in known],
    )


def _near(store: Store, names: str, wanted: str) -> list[str]:
    """Of very many names the few that are spelled most like the wanted one."""
    alike = store.rows(
        f"SELECT name FROM ({names}) ORDER BY damerau_levenshtein(lower(name), lower(?)), name LIMIT {MOST_ALIKE}",
        [wanted],
    )
    return [name for (name,) in alike if re.fullmatch(r"[\w:/.@ -]+", name)]  # no roster is to steer a terminal


def _refuse_said_already(store: Store, profile: Profile, kind: str, key: str, object_id: str) -> None:
    for said, of, record in store.rows(
        "SELECT key, object_id, record FROM run.accepted WHERE key = ? OR object_id = ? ORDER BY record",
        [key, object_id],
    ):
        raise UsageError(
            f"{accepted_path(profile)} row {record} says already that {said} is {of}; nothing was recorded.",
            [] if (said, of) == (key, object_id) else ["Take that row out first: one key has one object."],
        )
    if store.value(
        f"SELECT count(*) FROM run.{kind}_matches WHERE key = ? AND object_id = ? AND conflict IS NULL",
        [key, object_id],
    ):
        raise UsageError(f"{key} is matched with {object_id} without a yes; nothing was recorded.")


def _refuse_anothers(store: Store, profile: Profile, kind: str, key: str, object_id: str) -> None:
    """What the plan would refuse is not even recorded."""
    store.run("INSERT INTO run.accepted (kind, key, object_id) VALUES (?, ?, ?)", [kind, key, object_id])
    judge_accepted(store, profile, kind)
    if store.value("SELECT count(*) FROM run.accepted WHERE key = ? AND refused = ?", [key, OF_ANOTHER]):
        raise UsageError(
            f"{object_id} bears the id of another one who is, or may be, in the roster; nothing was recorded.",
            ["Clear that id in Microsoft 365 first, if it is wrong; `provision check` lists records that are held."],
        )
