"""The profile's little templates (`{given:1}{family}`) as SQL expressions."""

from __future__ import annotations

from collections.abc import Mapping

from provision.profile import PLACEHOLDER
from provision.store.sql import literal


def template_sql(template: str, columns: Mapping[str, str]) -> str:
    """An expression that fills the template in: NULL where a named value is missing, white space made single.

    `columns` maps a placeholder to SQL. `{name:3}` is the first three characters.
    """
    parts: list[str] = []
    at = 0
    for match in PLACEHOLDER.finditer(template):
        if match.start() > at:
            parts.append(literal(template[at : match.start()]))
        column = columns[match[1]]
        parts.append(f"left({column}, {match[2]})" if match[2] else column)
        at = match.end()
    if at < len(template):
        parts.append(literal(template[at:]))
    joined = " || ".join(parts)
    return f"nullif(trim(regexp_replace({joined}, '\\s+', ' ', 'g')), '')"
