"""Every refusal the fake can give, one function each, in the service's own words.

The texts are the short strings seen on the wire or in the published error pages
(learn.microsoft.com/graph/errors); where no captured text is known, the docstring says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class GraphError(Exception):
    """An answer that is an error envelope."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = tuple(details)
        self.headers = dict(headers or {})

    def envelope(self, request_id: str, client_request_id: str, date: str) -> dict[str, Any]:
        """The body of the answer."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = [dict(detail) for detail in self.details]
        error["innerError"] = {"date": date, "request-id": request_id, "client-request-id": client_request_id}
        return {"error": error}


def bad_request(message: str, details: Sequence[Mapping[str, str]] = ()) -> GraphError:
    """The directory's catch-all: 400 Request_BadRequest."""
    return GraphError(400, "Request_BadRequest", message, details)


def bad_syntax(message: str) -> GraphError:
    """400 BadRequest: the gateway could not make sense of the request."""
    return GraphError(400, "BadRequest", message)


def unsupported(message: str) -> GraphError:
    """400 Request_UnsupportedQuery."""
    return GraphError(400, "Request_UnsupportedQuery", message)


# -- addresses


def not_found(object_id: str) -> GraphError:
    """The object is not there, or not there yet."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present.",
    )


def no_segment(segment: str) -> GraphError:
    """The path leads nowhere."""
    return bad_syntax(f"Resource not found for the segment '{segment}'.")


def no_method() -> GraphError:
    """The path exists, the method does not."""
    message = "Specified HTTP method is not allowed for the request target."
    return GraphError(405, "Request_BadRequest", message)


def not_contained() -> GraphError:
    """A link was addressed without its `/$ref`."""
    return bad_syntax("Write requests are only supported on contained entities")


def no_json() -> GraphError:
    """The body is no JSON object."""
    return bad_syntax(
        "Unable to read JSON request payload. Please ensure Content-Type header is set "
        "and payload is of valid JSON format."
    )


# -- who asks


def no_token() -> GraphError:
    """No bearer token came with the request."""
    return GraphError(401, "InvalidAuthenticationToken", "Access token is empty.")


def forbidden() -> GraphError:
    """A permission is missing, or the target holds a directory role."""
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


# -- values


def unknown_property(name: str) -> GraphError:
    """The body names what the type does not have (the service's text varies; this one is ours)."""
    return bad_request(f"Property '{name}' does not exist as a declared property or extension property.")


def read_only(name: str) -> GraphError:
    """The body sets what only the service sets."""
    return bad_request(f"Property '{name}' is read-only and cannot be set.")


def invalid_value(name: str, resource: str) -> GraphError:
    """The value is of the wrong type, too long, or has forbidden characters."""
    return bad_request(f"Invalid value specified for property '{name}' of resource '{resource}'.")


def value_required(name: str, resource: str) -> GraphError:
    """A required property is missing or empty."""
    return bad_request(f"A value is required for property '{name}' of resource '{resource}'.")


def taken(name: str) -> GraphError:
    """Another object has this value."""
    message = f"Another object with the same value for property {name} already exists."
    return bad_request(message, [{"code": "ObjectConflict", "message": message, "target": name}])


def unverified_domain() -> GraphError:
    """The sign-in name is under a domain that is not the tenant's."""
    message = (
        "The domain portion of the userPrincipalName property is invalid. "
        "You must use one of the verified domain names in your organization."
    )
    return bad_request(message, [{"code": "InvalidValue", "message": message, "target": "userPrincipalName"}])


def weak_password() -> GraphError:
    """Fewer than eight characters, or fewer than three kinds of them."""
    return bad_request(
        "The specified password does not comply with password complexity requirements. "
        "Please provide a different password."
    )


def mastered_on_premises() -> GraphError:
    """The object, or the property, belongs to an on-premises directory."""
    return bad_request(
        "Unable to update the specified properties for on-premises mastered Directory Sync objects "
        "or objects currently undergoing migration."
    )


# -- links


def already_linked(relation: str) -> GraphError:
    """At least one of the references is there already; none was added."""
    return bad_request(
        f"One or more added object references already exist for the following modified properties: '{relation}'."
    )


def repeated_link(object_id: str) -> GraphError:
    """One reference twice in one request (only the end of the service's text is known)."""
    return bad_request(f"The reference '{object_id}' can only be present once as an add/remove change.")


def too_many_links() -> GraphError:
    """More than 20 references in one request."""
    return bad_request("A resource cannot contain more than 20 link changes")


def too_many_owners(count: int) -> GraphError:
    """More than 100 owners, those already there counted twice."""
    return GraphError(
        403,
        "Directory_QuotaExceeded",
        f"Unable to perform operation as '{count}' would exceed the maximum quota count '100' "
        "for forward-link 'owners'.",
    )


def last_owner() -> GraphError:
    """A group keeps one owner."""
    return bad_request("The group must have at least one owner, hence this owner cannot be removed.")


# -- licences


def missing_parameter(names: Sequence[str], action: str) -> GraphError:
    """An action lacks a parameter."""
    return bad_request(
        f"One or more parameters of the operation '{action}' are missing from the request payload. "
        f"The missing parameters are: {', '.join(names)}."
    )


def no_usage_location() -> GraphError:
    """A licence needs a usage location."""
    return bad_request("License assignment cannot be done for user with invalid usage location.")


def no_seats(sku_id: str) -> GraphError:
    """The subscription is used up."""
    return bad_request(f"Subscription with SKU {sku_id} does not have any available licenses.")


# -- queries


def unknown_selected(name: str, wire_type: str) -> GraphError:
    """`$select` or `$expand` names what the type does not have."""
    return bad_syntax(
        f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{wire_type}'."
    )


def unknown_filtered(name: str, wire_type: str) -> GraphError:
    """`$filter` names what the type does not have."""
    return bad_syntax(f"Invalid filter clause: Could not find a property named '{name}' on type '{wire_type}'.")


def bad_filter(why: str) -> GraphError:
    """`$filter` is no OData."""
    return bad_syntax(f"Invalid filter clause: {why}")


def not_filterable(name: str, resource: str) -> GraphError:
    """The property exists and cannot be filtered on."""
    return unsupported(
        f"Unsupported or invalid query filter clause specified for property '{name}' of resource '{resource}'."
    )


def too_many_clauses(count: int) -> GraphError:
    """More than 15 alternatives in a filter."""
    return unsupported(
        "Too many child clauses specified in search filter expression containing 'OR' operators: "
        f"{count}. Max allowed: 15."
    )


def needs_consistency_level(what: str) -> GraphError:
    """An advanced query without its header."""
    return unsupported(
        f"Request with {what} only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'"
    )


def old_delta_token() -> GraphError:
    """A delta token past its life, as users/delta has been seen to answer."""
    return unsupported("DeltaLink older than 30 days is not supported.")


def lost_delta_token(location: str) -> GraphError:
    """A delta token past its life, as documented: 410 with the address of a new start."""
    message = "The sync state generation is not found."
    return GraphError(410, "syncStateNotFound", message, headers={"Location": location})


# -- batches


def too_large_batch() -> GraphError:
    """More than 20 requests."""
    return GraphError(400, "MaximumValueExceeded", "Number of batch request steps exceeds the maximum value of 20.")


def concurrent() -> GraphError:
    """Two writes to one object at a time."""
    return GraphError(
        409,
        "Directory_ConcurrencyViolation",
        "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.",
    )


def failed_dependency() -> GraphError:
    """The request this one waited for has failed."""
    return GraphError(424, "FailedDependency", "The request depends on another one that failed.")


def throttled(headers: Mapping[str, str]) -> GraphError:
    """Too many requests."""
    return GraphError(429, "TooManyRequests", "Please retry again later.", headers=headers)


def server_error() -> GraphError:
    """The service stumbled."""
    return GraphError(500, "Service_InternalServerError", "Encountered an internal server error.")


def unavailable() -> GraphError:
    """The service is not there."""
    return GraphError(503, "ServiceUnavailable", "The service is temporarily unavailable.")
