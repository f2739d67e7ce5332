"""Pages of a list become the same rows, whether they are taken apart one by one or many at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provision.errors import DirectoryError
from provision.graph import merge
from provision.graph.lists import GROUPS
from provision.graph.pages import AT_ONCE, Links, Pages
from provision.graph.request import Answer
from provision.store import Row, Store, in_memory


def staged() -> Store:
    store = in_memory()
    store.run("; ".join(merge.STAGING))
    return store


def page(*objects: dict[str, Any], **links: str) -> Answer:
    return Answer(
        200, content=json.dumps({"value": objects, **{f"@odata.{name}": link for name, link in links.items()}})
    )


def group(id_: str, name: str, *skus: str) -> dict[str, Any]:
    return {"id": id_, "displayName": name, "assignedLicenses": [{"skuId": sku} for sku in skus]}


def read(store: Store, at_once: int) -> list[list[Row]]:
    """Three pages, of which the last one tells two groups again."""
    pages = Pages(store, GROUPS.path, GROUPS.shape, GROUPS.rows, at_once=at_once)
    assert pages.add(page(group("g1", "One", "a", "b"), group("g2", "Two", "a"), nextLink="more")) == Links(
        "more", None
    )
    pages.add(page())
    pages.add(page(group("g1", "One again", "c"), group("g2", "Two again")))
    pages.take_apart()
    pages.take_apart()  # nothing waits any more
    return [
        store.rows("SELECT object_id, display_name FROM seen_groups ORDER BY rowid"),
        store.rows("FROM group_licenses ORDER BY ALL"),
    ]


def test_many_at_once_are_as_one_by_one() -> None:
    one_by_one = read(staged(), 0)
    assert one_by_one[0] == [("g1", "One"), ("g2", "Two"), ("g1", "One again"), ("g2", "Two again")]
    assert one_by_one[1] == [("g1", "c")], "of what is told twice the later one counts"
    assert read(staged(), AT_ONCE) == one_by_one


def test_nothing_waits_past_the_limit() -> None:
    store = staged()
    pages = Pages(store, GROUPS.path, GROUPS.shape, GROUPS.rows, at_once=1_000)
    for number in range(20):
        pages.add(page(group(f"g{number}", "Name " * 20)))
    assert int(store.value("SELECT count(*) FROM seen_groups")) > 10


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"value": {}}', "The answer holds no list."),
        ("{}", "The answer holds no list."),
        ("<html>", "The answer is not valid JSON."),
        ('{"value": [{"id": "g1"}', "The answer is not valid JSON."),
    ],
)
def test_what_is_no_page_is_an_error_at_once(text: str, reason: str) -> None:
    with pytest.raises(DirectoryError) as caught:
        Pages(staged(), GROUPS.path, GROUPS.shape, GROUPS.rows).add(Answer(200, content=text))
    assert reason in caught.value.details
