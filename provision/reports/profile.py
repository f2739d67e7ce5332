"""What `provision profile check` says: the profile in plain words, and what may surprise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from rich.text import Text

from provision.policy.surprises import Surprise
from provision.profile import Profile
from provision.reports.draw import drawn, paragraph
from provision.reports.page import Page
from provision.reports.profile_words import explain
from provision.reports.wording import printable


def render(profile: Profile, found: Sequence[Surprise], page: Page) -> Iterator[str]:
    """For people: part by part, then the warnings."""
    yield paragraph(page, f"The profile '{profile.name}' is in order. This is what it will do.", "bold")
    for part in explain(profile):
        yield "\n" + paragraph(page, part.title, "bold")
        for sentence in part.sentences:
            yield _item(page, sentence.says)
    if found:
        yield "\n" + paragraph(page, f"Look at these again ({len(found):,})", "bold yellow")
        for each in found:
            yield _item(page, f"{each.key}: {each.says}.")


def render_json(profile: Profile, found: Sequence[Surprise]) -> str:
    """The same as one JSON document."""
    document = {
        "profile": profile.name,
        "digest": profile.digest,
        "parts": [
            {"title": part.title, "sentences": [{"keys": each.keys, "says": each.says} for each in part.sentences]}
            for part in explain(profile)
        ],
        "warnings": [{"key": each.key, "says": each.says} for each in found],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _item(page: Page, text: str) -> str:
    """A line of a list, folded so that what follows the first line stands under it."""
    narrow = Page(width=max(page.width - 4, 20), color=page.color)
    first, *rest = (line.rstrip() for line in drawn(narrow, Text(printable(text)), wrap=True).splitlines())
    return "".join([f"  - {first}\n", *(f"    {line}\n" for line in rest)])
