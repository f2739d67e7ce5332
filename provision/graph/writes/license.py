"""Licences: all of a user's in one call, because parallel calls on one user refuse each other."""

from __future__ import annotations

from provision.apply.writer import Reference, Write
from provision.graph.request import Request
from provision.graph.writes.kind import Kind, target


def requests(write: Write, root: str) -> list[Request]:  # noqa: ARG001  # every kind has this signature
    """One `assignLicense` with every SKU; nothing is ever taken away."""
    return [_assign(target(write), write.references)]


def singles(write: Write, root: str) -> list[Request]:  # noqa: ARG001  # every kind has this signature
    """One `assignLicense` for each SKU: one that has run out must not cost the user the others."""
    return [_assign(target(write), (reference,)) for reference in write.references]


def _assign(user: str, licenses: tuple[Reference, ...]) -> Request:
    added = [{"skuId": one.id, "disabledPlans": list(one.disabled_plans)} for one in licenses]
    body = {"addLicenses": added, "removeLicenses": []}  # the service demands both lists
    return Request("POST", f"/users/{user}/assignLicense", body, ids=(user,))


KIND = Kind("license", requests, singles=singles)
