"""Licences: all of a user's, or of a group's, in one call, because parallel calls on one user refuse each other."""

from __future__ import annotations

from provision.apply.writer import Reference, Write
from provision.graph.request import Request
from provision.graph.writes.kind import Kind, target


def _kind(name: str, collection: str) -> Kind:
    def assign(owner: str, licenses: tuple[Reference, ...]) -> Request:
        added = [{"skuId": one.id, "disabledPlans": list(one.disabled_plans)} for one in licenses]
        body = {"addLicenses": added, "removeLicenses": []}  # the service demands both lists
        return Request("POST", f"/{collection}/{owner}/assignLicense", body, ids=(owner,))

    def requests(write: Write, root: str) -> list[Request]:  # noqa: ARG001  # every kind has this signature
        """One `assignLicense` with every SKU; nothing is ever taken away."""
        return [assign(target(write), write.references)]

    def singles(write: Write, root: str) -> list[Request]:  # noqa: ARG001  # every kind has this signature
        """One `assignLicense` for each SKU: one that has run out must not cost the others."""
        return [assign(target(write), (reference,)) for reference in write.references]

    return Kind(name, requests, singles=singles)


KINDS = (_kind("license", "users"), _kind("group_license", "groups"))
