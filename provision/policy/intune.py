"""Intune for Education (`[licensing] intune_for_education`): everybody has a licence with Intune.

Its default groups of all students and all teachers (`Profile.groups_of_all`) are school groups like any other. Sources:
"How to deploy SDS" (it licenses all students and teachers, and makes default groups) and "Create groups" (Intune for
Education, Microsoft Learn), which names these two.
"""

from __future__ import annotations

from provision.errors import DirectoryError
from provision.profile import Profile
from provision.store import Store
from provision.store.sql import literal

INTUNE = "INTUNE_(EDU|A|A_VL)"
"""The names of the service plans (learn.microsoft.com, product names and service plan identifiers); `INTUNE_A_D` is for
devices, `INTUNE_O365` only the management that is part of Office 365."""


def require_intune(store: Store, profile: Profile) -> None:
    """Raise `DirectoryError` where the licences of a side, without their disabled plans, do not have Intune.

    Which SKU somebody is to have is not for us to choose: the error names those of the tenant that would do.
    """
    if not profile.licensing.intune_for_education:
        return
    for side, _ in profile.people():
        if not store.value(f"""
            SELECT count(*) FROM run.disabled_plans p JOIN current.service_plans s ON s.sku_id = p.sku_id
            WHERE p.side = {literal(side)} AND regexp_full_match(s.plan_name, {literal(INTUNE)})
              AND NOT list_contains(p.plan_ids, s.plan_id)"""):
            raise DirectoryError(
                f"intune_for_education licenses everybody for Intune, and no licence of {side} has it.",
                [
                    f"Licences of the tenant with Intune: {', '.join(_with_intune(store)) or 'none'}.",
                    f"Name one of them in licenses under [{side}], without its Intune in disabled_plans.",
                ],
            )


def _with_intune(store: Store) -> list[str]:
    rows = store.rows(f"""
        SELECT DISTINCT k.part_number FROM current.skus k JOIN current.service_plans s ON s.sku_id = k.sku_id
        WHERE regexp_full_match(s.plan_name, {literal(INTUNE)}) ORDER BY 1""")
    return [part for (part,) in rows]
