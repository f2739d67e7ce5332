"""What Microsoft 365 takes before the @ of an address: the alias of a section, the sign-in name of a person.

Source: the pages of Microsoft Graph on `mailNickname` of a group and `userPrincipalName` of a user. The dot is
left out of aliases, since one of the pages refuses it.
"""

from __future__ import annotations

from provision.store.sql import literal

ALIAS_LIMIT = 64
SECTION_PREFIX = "Section_"
ALIAS_REFUSED = r"[^A-Za-z0-9!$'+\-=^_`]"
r"""White space, control characters, whatever is not ASCII, and ~ " # % & * : < > ? / \ { | } . @ ( ) [ ] ; ,"""
SIGN_IN_LOCAL = "[A-Za-z0-9'_!#^~-]([A-Za-z0-9'._!#^~-]{0,62}[A-Za-z0-9'_!#^~-])?"
"""No accents, no dot at either end, at most 64 characters."""


def section_alias(section_id: str, *, replace: bool) -> str:
    """The alias of a section as SQL, given the SQL of its id; `replace` puts _ for what an alias cannot have."""
    if replace:
        section_id = f"regexp_replace({section_id}, {literal(ALIAS_REFUSED)}, '_', 'g')"
    return f"'{SECTION_PREFIX}' || {section_id}"


def is_sign_in_name(username: str) -> str:
    """SQL: whether a sign-in name can be made of a username, which may have its domain already."""
    return f"regexp_full_match({username}, {literal(f'{SIGN_IN_LOCAL}(@[A-Za-z0-9.-]+)?')})"
