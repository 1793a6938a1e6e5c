"""What the outbox says of a ticket as a report to its platform. Not: its wording (`adapters`) nor its delivery (`delivery`)."""

from __future__ import annotations

from adapters.report import Report
from domain.ticket import Ticket
from intake_bot.house import House
from storage.outbox import Delivery


def report_of(house: House, row: Delivery, ticket: Ticket | None) -> Report:
    """The step that a row of the outbox tells; who acts is the ticket's lead where the row does not say, else the bureau."""
    data = row.data
    unit = str(data.get("unit", ""))
    if not unit and ticket is not None and ticket.lead is not None:
        unit = house.router.unit_name(ticket.lead.unit)
    return Report(
        ticket_no=row.ticket_no,
        source_no=str(data.get("source_no", "")),
        source_version=int(data.get("source_version", 0)),
        action=row.about,
        at=row.created_at,
        unit_name=unit or house.settings.bureau.name,
        text=str(data.get("reply") or data.get("reason") or data.get("department") or ""),
        working_days=int(data.get("working_days", 0)),
    )
