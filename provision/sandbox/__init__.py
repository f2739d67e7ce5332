"""The recorded Graph fake: a stateful tenant that answers as Microsoft Graph v1.0 does.

    sandbox = Sandbox(Tenant.new())
    client = httpx.AsyncClient(transport=SandboxTransport(sandbox))   # in process
    with serve(sandbox) as server: ...                                # over HTTP, at server.url

Every request needs an `Authorization: Bearer …` header; which token is of no matter.
"""

from provision.sandbox.app import Answer, Logged, Sandbox
from provision.sandbox.faults import Canned, Faults
from provision.sandbox.server import Server, serve
from provision.sandbox.tenant import Tenant
from provision.sandbox.transport import SandboxTransport

__all__ = ["Answer", "Canned", "Faults", "Logged", "Sandbox", "SandboxTransport", "Server", "Tenant", "serve"]
