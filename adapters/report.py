"""What a platform is told of a ticket it sent us. Each channel's `report_back` puts it into its own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Report:
    """One step of a ticket as its platform may know it. It holds nothing of the reporter.

    `action`: what the domain's notice is about: `accepted`, `contacted`, `extension_asked`, `extended`, `resolved`,
    `closed`, `merged`, `referred` (another department's business) or `rejected`. `at` is aware; `unit_name` who acts,
    `text` what was done or why.
    """

    ticket_no: str
    source_no: str
    action: str
    at: datetime
    source_version: int = 0
    unit_name: str = ""
    text: str = ""


class ReportBack(Protocol):
    """A channel's module `report_back`."""

    def payload(self, report: Report, zone: ZoneInfo) -> dict[str, Any] | None:
        """The JSON object to post to the platform; None for a step that it does not hear of."""
        ...


def worded(words: Mapping[str, tuple[str, str]], report: Report) -> tuple[str, str] | None:
    """The platform's status code and word for a step; None for one that it has no word for."""
    return words.get(str(report.action))
