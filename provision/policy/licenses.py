"""Licences: the SKUs of the profile on every user in scope, created or matched. Never taken away.

Seats are counted in the plan: who would go without, and for whom the licences are not enough, is known before
anything is written.
"""

from __future__ import annotations

from provision.errors import DirectoryError
from provision.policy.group_licensing import license_by_group
from provision.policy.intune import require_intune
from provision.profile import Profile, nearest
from provision.store import Store
from provision.store.sql import literal

CLASS_SERVICES = {
    "no-exchange": "EXCHANGE_[SLB]_(STANDARD|ENTERPRISE|DESKLESS).*",
    "no-sharepoint": "SHAREPOINT(STANDARD|ENTERPRISE|DESKLESS|LITE).*",
}
"""Rule: the names of the service plans of which somebody in a class team needs one, with `_EDU`, `_GOV` and the like
(learn.microsoft.com, product names and service plan identifiers). `EXCHANGE_S_FOUNDATION` has no mailbox, and
`SHAREPOINTWAC` is Office on the web."""


def desire_licenses(store: Store, profile: Profile) -> None:
    """Add the `license` rows of `desired.links`, and set aside those for which no seat is left.

    Raises `DirectoryError` when the tenant has no such SKU or service plan, or a side is to have Intune and has not.
    """
    store.run("CREATE OR REPLACE TABLE run.disabled_plans (side TEXT, sku_id TEXT, plan_ids TEXT[])")
    for name, people in profile.people():
        for part in people.licenses:
            sku_id = _sku(store, part)
            _disabled(store, name, part, sku_id, people.disabled_plans.get(part, ()))
            store.run(f"""
                INSERT INTO desired.links
                SELECT 'license', 'license:' || person_id || '/' || {literal(part)}, key, {literal("sku:" + part)},
                       object_id, {literal(sku_id)}, {literal(name)}, NULL, file, record
                FROM desired.users
                WHERE is_student = {"true" if name == "students" else "false"} AND NOT coalesce(protected, false)""")
    require_intune(store, profile)
    _keep_within_seats(store)
    _find_lacking(store)
    license_by_group(store, profile)


def _sku(store: Store, part: str) -> str:
    found = store.value("SELECT sku_id FROM current.skus WHERE part_number = ?", [part])
    if found is None:
        known = [row[0] for row in store.rows("SELECT part_number FROM current.skus ORDER BY part_number")]
        raise DirectoryError(
            f"The tenant has no licence {part}.",
            [
                f"It has: {', '.join(known) or 'none'}{nearest(part, known) or '.'}",
                "Mend licenses in the profile, or buy the licence.",
            ],
        )
    return str(found)


def _disabled(store: Store, side: str, part: str, sku_id: str, names: tuple[str, ...]) -> None:
    ids = []
    for name in names:
        plan = store.value(
            "SELECT plan_id FROM current.service_plans WHERE sku_id = ? AND plan_name = ?", [sku_id, name]
        )
        if plan is None:
            raise DirectoryError(
                f"The licence {part} has no service plan {name}.", ["Mend disabled_plans in the profile."]
            )
        ids.append(plan)
    store.run("INSERT INTO run.disabled_plans VALUES (?, ?, ?)", [side, sku_id, sorted(ids)])


def _keep_within_seats(store: Store) -> None:
    """By key, as many new licences as there are seats; the rest are held, by name."""
    store.run("CREATE OR REPLACE TABLE run.no_seat (key TEXT, left_key TEXT, right_id TEXT, file TEXT, record BIGINT)")
    wanted = """
        FROM desired.links d
        ANTI JOIN current.links c ON c.kind = 'license' AND c.left_id = d.left_id AND c.right_id = d.right_id
        WHERE d.kind = 'license'"""
    asked = f"(SELECT right_id, count(*) AS seats {wanted} GROUP BY right_id)"
    for sku, free in store.rows(f"""
        SELECT sku_id, greatest(enabled - consumed, 0) FROM current.skus JOIN {asked} a ON a.right_id = sku_id
        WHERE seats > enabled - consumed"""):
        store.run(f"""
            INSERT INTO run.no_seat SELECT d.key, d.left_key, d.right_id, d.file, d.record {wanted} AND d.right_id = ?
            ORDER BY d.key OFFSET {free}""", [sku])  # fmt: skip
    store.run("""
        INSERT INTO run.set_aside
        SELECT 'held', 'license', key, 'no-seat', file, record, NULL FROM run.no_seat""")
    store.run("DELETE FROM desired.links WHERE kind = 'license' AND key IN (SELECT key FROM run.no_seat)")


def _find_lacking(store: Store) -> None:
    """`run.lacking`: who gets licences by this profile and still has no service that class teams need, and which.

    What the profile assigns counts without its disabled plans. What an account holds counts in full, for the reader
    does not read what was disabled there. Who goes without a seat is named for that already.
    """
    store.run("CREATE OR REPLACE TABLE run.lacking (key TEXT, rule TEXT, file TEXT, record BIGINT)")
    for rule, names in CLASS_SERVICES.items():
        store.run(f"""
            INSERT INTO run.lacking
            WITH giving AS (
                SELECT s.sku_id, p.side FROM current.service_plans s
                LEFT JOIN run.disabled_plans p ON p.sku_id = s.sku_id AND NOT list_contains(p.plan_ids, s.plan_id)
                WHERE regexp_full_match(s.plan_name, {literal(names)})
            ), served AS (
                SELECT d.left_key AS key FROM desired.links d
                JOIN giving g ON g.sku_id = d.right_id AND g.side = d.role WHERE d.kind = 'license'
                UNION
                SELECT u.key FROM desired.users u
                JOIN current.links c ON c.kind = 'license' AND c.left_id = u.object_id
                JOIN giving g ON g.sku_id = c.right_id
            )
            SELECT key, {literal(rule)}, file, record FROM desired.users
            WHERE CASE WHEN is_student THEN 'students' ELSE 'staff' END IN (SELECT side FROM run.disabled_plans)
              AND NOT coalesce(protected, false) AND key NOT IN (SELECT key FROM served)
              AND key NOT IN (SELECT left_key FROM run.no_seat)""")
