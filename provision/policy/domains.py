"""The domains of the profile must be verified in the tenant: Graph refuses any other in a sign-in name."""

from __future__ import annotations

from provision.errors import DirectoryError
from provision.profile import Profile
from provision.store import Store


def check_domains(store: Store, profile: Profile) -> None:
    """Raise `DirectoryError` naming each domain of the profile that the tenant has not verified."""
    asked = [(f"{name}.domain", people.domain) for name, people in profile.people() if people.mode == "create"]
    if profile.sections.enabled:
        asked.append(("sections.domain", profile.sections.domain))
    verified = {row[0].lower() for row in store.rows("SELECT name FROM current.domains WHERE verified")}
    missing = [f'{place} = "{domain}"' for place, domain in asked if domain and domain.lower() not in verified]
    if missing:
        raise DirectoryError(
            "The profile names a mail domain that the tenant has not verified.",
            [*missing, f"Verified: {', '.join(sorted(verified)) or 'none'}."],
        )
