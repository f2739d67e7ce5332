"""`provision sandbox`: the embedded tenant, as a server, and from outside."""

from pathlib import Path
from typing import Annotated

import typer

from provision.cli.options import StateOption

app = typer.Typer(
    help="The built-in fake tenant: serve it on this machine, dump it, start it afresh.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@app.command()
def serve(
    port: Annotated[int, typer.Option("--port", help="Port on 127.0.0.1; 0 = any free one.", min=0, max=65535)] = 8365,
    state: StateOption = None,
) -> None:
    """Serve the tenant on 127.0.0.1 until interrupted. Point PROVISION_GRAPH_URL at the address it prints."""
    from provision.cli.road import embedded_tenant, sandbox_state
    from provision.cli.terminal import tell, write
    from provision.errors import StateError
    from provision.sandbox import Sandbox
    from provision.sandbox import serve as serve_tenant

    path = sandbox_state(_folder(state))
    try:
        server = serve_tenant(Sandbox(embedded_tenant(path)), port=port, state=path)
    except OSError as error:
        raise StateError(f"Port {port} cannot be used: {error.strerror}.", ["Give another --port."]) from None
    write(f"{server.url}\n", now=True)
    tell(f"The sandbox tenant is at {server.url}; its state is kept in {path}. Ctrl-C ends it.")
    with server:
        server.serve_forever()


@app.command()
def reset(
    state: StateOption = None,
    lived_in: Annotated[
        bool, typer.Option("--lived-in", help="With accounts that were there before, for the sample roster.")
    ] = False,
) -> None:
    """Start the embedded tenant afresh, without users or groups of ours."""
    from provision.cli.road import sandbox_state
    from provision.cli.terminal import tell
    from provision.sandbox import Tenant
    from provision.sandbox.seed import live_in

    path = sandbox_state(_folder(state))
    tenant = Tenant.new()
    if lived_in:
        live_in(tenant)
    tenant.save(path)
    tell(f"{path} is a fresh tenant now.")


@app.command()
def dump(state: StateOption = None) -> None:
    """Print the embedded tenant as JSON: users, groups with their members, schools, licences."""
    import json

    from provision.cli.road import embedded_tenant, sandbox_state
    from provision.cli.terminal import write
    from provision.errors import StateError

    path = sandbox_state(_folder(state))
    if not path.exists():
        raise StateError(f"There is no embedded tenant in {path}.", ["Apply a plan to it first, or give --state."])
    write(json.dumps(embedded_tenant(path).dump(), indent=2, ensure_ascii=False) + "\n")


def _folder(state: object) -> Path:
    from provision.settings import load_settings
    from provision.store.files import make_folder

    folder = load_settings(state=state).state_folder(Path())
    make_folder(folder)
    return folder
