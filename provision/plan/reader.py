"""What planning may do to the directory: read it. There is no writer within its reach."""

from __future__ import annotations

from typing import Protocol

from provision.store import Store


class DirectoryReader(Protocol):
    """Reads Microsoft 365 into the `current` tables.

    A page that cannot be read raises `DirectoryError`, so that a failed or partial read never passes for an empty
    directory.
    """

    async def read_objects(self, store: Store) -> None:
        """Fill `current.tenant`, `domains`, `skus`, `service_plans`, `users`, `groups`, `sections`, `schools`,
        `admins`, and the `license` and `group_license` rows of `current.links` (user or group, SKU)."""

    async def read_links(self, store: Store) -> None:
        """Fill `current.links` for what `run.wanted (kind, object_id)` names; it may hold links of others, too.

        Kinds and what `object_id` is: `member`, `owner`, `group_member` (a group), `school_user`,
        `school_section` (a school). Rows of licences are left as `read_objects` made them.
        """
