"""Readiness: does a roster have what a product needs, beyond being in order? One file per product, one line here.

To add a need, add a `Need` to the file of its product; a test demands a roster that fails it.
"""

from __future__ import annotations

from collections.abc import Sequence

from provision.roster.options import RosterOptions
from provision.roster.readiness import insights, intune, judged, sds, teams
from provision.roster.readiness.need import Need, Product, Readiness, Verdict, begin, failures
from provision.roster.readiness.need import judge as judge_need
from provision.store import Store

PRODUCTS: dict[str, Product] = {
    each.name: each for each in (insights.PRODUCT, sds.PRODUCT, teams.PRODUCT, intune.PRODUCT)
}


def judge(
    store: Store, products: Sequence[str], options: RosterOptions, format_name: str = ""
) -> tuple[Readiness, ...]:
    """Hold what `load_roster` left in the roster tables against the needs of the products, by name.

    `format_name` is the format that it found; without it nothing is said about formats. What is held has left those
    tables and cannot be judged. Who fails stays in the store for `failures`.
    """
    begin(store)
    if not products:
        return ()
    judged.prepare(store, options, format_name)
    left_out = judged.left_out(store)
    answers = [
        Readiness(product, tuple(judge_need(store, need) for need in product.needs), left_out)
        for product in map(PRODUCTS.__getitem__, dict.fromkeys(products))
    ]
    judged.clear(store)
    return tuple(answers)


__all__ = ["PRODUCTS", "Need", "Product", "Readiness", "Verdict", "failures", "judge"]
