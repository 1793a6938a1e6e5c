"""`intake-bot`: the command line. Each command is a module of `intake_bot.commands`; this one only gathers them."""

from __future__ import annotations

import typer

from intake_bot.commands import (
    backup,
    check,
    clock,
    database,
    ingest,
    keys,
    person,
    report,
    roster,
    route,
    serve,
    simulate,
    users,
)
from intake_bot.commands import nlu as nlu_commands

app = typer.Typer(
    name="intake-bot",
    help="凤凰镇综合执法局诉求受理平台",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("serve")(serve.serve)
app.command("check")(check.check)
app.command("clock")(clock.clock)
app.command("ingest")(ingest.ingest)
app.command("route")(route.route)
app.command("simulate")(simulate.simulate)
app.command("report")(report.report)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(nlu_commands.app, name="nlu")
app.add_typer(database.app, name="db")
app.add_typer(users.app, name="user")
app.add_typer(roster.app, name="roster")
app.add_typer(keys.app, name="keys")
app.add_typer(person.app, name="person")


def main() -> None:
    """Run the command that the arguments name."""
    app()
