"""Graph's error envelope, and what it means to the person who runs `provision`.

The directory answers almost everything with `Request_BadRequest`, so the wording and the `details` have to be
read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from provision.graph.permissions import needed
from provision.graph.request import Answer, Request


@dataclass(frozen=True, slots=True)
class GraphError:
    """What the service said: `code` and `message` of the envelope, and the codes of its `details`."""

    status: int
    code: str
    message: str
    details: tuple[str, ...] = ()

    @property
    def is_conflict(self) -> bool:
        """Another object has a value that must be unique."""
        return (
            "ObjectConflict" in self.details
            or self.code == "Request_MultipleObjectsWithSameKeyValue"
            or "another object with the same value" in self.message.lower()
        )

    @property
    def is_there(self) -> bool:
        """The link that was to be added is there."""
        text = self.message.lower()
        return self.status in (400, 409) and ("already exist" in text or "conflicting object" in text)

    @property
    def is_gone(self) -> bool:
        """The link that was to be removed is not there."""
        return self.status == 404 or (self.status == 400 and "do not exist" in self.message.lower())

    @property
    def is_usage_location(self) -> bool:
        """A licence needs the usage location, which a replica may not know yet."""
        return self.status == 400 and "invalid usage location" in self.message.lower()

    @property
    def may_concern_one(self) -> bool:
        """One of several references may be at fault, so that each is worth a request of its own."""
        return self.status in (400, 404) or self.code == "Directory_QuotaExceeded"


def error_of(answer: Answer) -> GraphError:
    """The envelope of an answer that is not a success; empty text where it has none."""
    envelope = answer.fields.get("error")
    envelope = envelope if isinstance(envelope, dict) else {}
    given = envelope.get("details")
    details = tuple(str(one.get("code")) for one in given if isinstance(one, dict)) if isinstance(given, list) else ()
    return GraphError(answer.status, str(envelope.get("code") or ""), str(envelope.get("message") or ""), details)


ADVICE = (
    (r"available licenses", "Buy or free licences, then plan again."),
    (r"invalid usage location", "The account needs a usage location: set [tenant] usage_location."),
    (r"domain portion", "The domain is not verified in this tenant: see [students] and [staff] domain."),
    (r"on-premises mastered", "The object is mastered on-premises: change it there."),
    (r"password complexity", "The password does not meet the tenant's rules."),
    (
        r"object quota limit",
        "The directory is full (what was deleted counts for 30 days): ask for more.",
    ),
)


def explain(answer: Answer, request: Request) -> str:
    """One sentence for the operator: what the service said, and what to do about it where that is known."""
    error = error_of(answer)
    if answer.status == 0:
        reason = f" ({answer.reason})" if answer.reason else ""
        return f"No answer{reason}: the connection broke or timed out, and trying again did not help."
    if not answer.is_json and answer.status == 200:
        return "What answered (200) is not Microsoft Graph: a proxy or a sign-in page stands between."
    said = f"{error.code}: {error.message}" if error.message else error.code or "no reason was given"
    sentence = f"Microsoft Graph refused ({answer.status}, {said.rstrip('.')})."
    return f"{sentence} {advice}" if (advice := _advice(error, request)) else sentence


def _advice(error: GraphError, request: Request) -> str:
    permissions = needed(request.method, request.url)
    if error.status == 403 and permissions and "quota" not in error.code.lower():
        names = " and ".join(permissions)
        return f"Grant the application permission {names}; an administrator's account is refused as well."
    if error.status == 401:
        return "The token was not accepted: check the application and its tenant."
    if error.is_conflict:
        return "Another object has this value: match it, rename it, or choose another value."
    for pattern, advice in ADVICE:
        if re.search(pattern, error.message, re.IGNORECASE):
            return advice
    if error.status == 404:
        return "The object is no longer there: plan again."
    return ""
