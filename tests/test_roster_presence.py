"""Unreadable is not empty."""

from __future__ import annotations

import pytest

from provision.errors import RosterError
from provision.roster.presence import missing_files
from provision.store import Store, in_memory


def store_with(before: list[tuple[str, int]], now: list[tuple[str, int]]) -> Store:
    store = in_memory()
    store.insert("ledger.roster_files", ("file", "records"), before)
    store.insert("roster.files", ("file", "records"), now)
    return store


def test_a_first_run_misses_nothing() -> None:
    assert missing_files(store_with([], [("users.csv", 0)]), frozenset()) == []


def test_the_same_files_miss_nothing_whatever_their_case() -> None:
    store = store_with([("School.csv", 2), ("user.csv", 0)], [("school.csv", 1)])
    assert missing_files(store, frozenset()) == []


def test_every_missing_or_empty_file_is_named_with_its_flag() -> None:
    store = store_with([("orgs.csv", 2), ("users.csv", 9), ("roles.csv", 9)], [("users.csv", 0), ("roles.csv", 9)])
    with pytest.raises(RosterError) as refused:
        missing_files(store, frozenset())
    missing, empty = refused.value.details
    assert missing.startswith("orgs.csv is missing and had 2")
    assert empty.startswith("users.csv has no records and had 9")
    assert "--accept-missing users.csv" in empty


def test_what_is_accepted_by_name_passes_and_the_rest_does_not() -> None:
    store = store_with([("orgs.csv", 2), ("users.csv", 9)], [])
    with pytest.raises(RosterError) as refused:
        missing_files(store, frozenset({"Users.csv"}))
    assert [detail.split()[0] for detail in refused.value.details] == ["orgs.csv"]
    assert missing_files(store, frozenset({"users.csv", "orgs.csv"})) == ["orgs.csv", "users.csv"]


def test_the_same_file_in_another_package_is_not_missing() -> None:
    before = [("full.zip/users.csv", 9), ("monday.zip/users.csv", 1), ("full.zip/orgs.csv", 2)]
    now = [("full-2.zip/users.csv", 0), ("tuesday.zip/users.csv", 3), ("full-2.zip/orgs.csv", 0)]
    with pytest.raises(RosterError) as refused:
        missing_files(store_with(before, now), frozenset())
    assert [detail.split(" and ")[0] for detail in refused.value.details] == ["orgs.csv has no records"]
