"""Policy: what Microsoft 365 should hold, from the roster and the profile. One file per kind of object.

`desire` fills the `desired` tables; whoever and whatever is left out stands in `run.set_aside` with its reason, in
the words of the plan's notes.
"""

from __future__ import annotations

from provision.errors import UsageError
from provision.policy.accepted import load_accepted
from provision.policy.domains import check_domains
from provision.policy.licenses import desire_licenses
from provision.policy.links import desire_links
from provision.policy.school_groups import desire_school_groups
from provision.policy.schools import desire_schools
from provision.policy.scope import select_scope
from provision.policy.sections import desire_sections
from provision.policy.users import desire_users
from provision.profile import Profile
from provision.store import Store
from provision.store.neighbours import read_neighbours


def desire(store: Store, profile: Profile, recreate: frozenset[str] = frozenset()) -> None:
    """Fill `desired.*` from `roster.*`, `current.*` (for matching) and the ledger.

    `recreate` names keys that may be made anew although an admin deleted the object. Raises `DirectoryError` for
    a licence or domain that the tenant does not have, what `read_neighbours` raises, and
    `ProfileError` for accepted matches that cannot be used.
    """
    check_domains(store, profile)
    read_neighbours(store)
    store.run("""
        CREATE OR REPLACE TABLE run.set_aside (
            what TEXT, kind TEXT, key TEXT, rule TEXT, file TEXT, record BIGINT, field TEXT)""")
    load_accepted(store, profile)
    select_scope(store, profile)
    desire_users(store, profile, recreate)
    desire_schools(store, profile, recreate)
    desire_sections(store, profile, recreate)
    desire_school_groups(store, profile, recreate)
    desire_links(store, profile)
    desire_licenses(store, profile)
    refuse_idle_names(store, recreate)


def refuse_idle_names(store: Store, recreate: frozenset[str]) -> None:
    """Raise `UsageError` for a `--recreate` that names nothing of ours that was deleted by hand."""
    idle = [
        key for key in sorted(recreate) if not store.value("SELECT count(*) FROM ledger.objects WHERE key = ?", [key])
    ]
    if idle:
        raise UsageError(f"--recreate {idle[0]}: no object of ours has this key.", ["The plan's notes give the keys."])
