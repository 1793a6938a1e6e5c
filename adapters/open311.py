"""Open311 GeoReport v2, the open standard for municipal reports: a posted form becomes a Complaint.

The map is fixed because the standard fixes the names. Positions are WGS-84, as the standard says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adapters.canonical import FieldName
from adapters.codes import SchemeSettings
from adapters.fields import Plan
from adapters.manual import OWN_SCHEME
from adapters.settings import FieldSettings, MapSettings
from domain.complaint import OPEN311, Complaint

_MAP: dict[FieldName, FieldSettings] = {
    "content": FieldSettings(from_=("description",), required=True),
    "category": FieldSettings(from_=("service_code",)),
    "longitude": FieldSettings(from_=("long",)),
    "latitude": FieldSettings(from_=("lat",)),
    "address": FieldSettings(from_=("address_string",)),
    "reporter_name": FieldSettings(from_=("name",)),
    "reporter_phone": FieldSettings(from_=("phone",)),
    "reporter_contact": FieldSettings(from_=("email",)),
    "attachments": FieldSettings(from_=("media_url",)),
}


class Open311Entry:
    """Reads the form of `POST requests`."""

    def __init__(self, timezone: str = "Asia/Shanghai") -> None:
        settings = MapSettings(timezone=timezone, schemes={"category": (SchemeSettings(scheme=OWN_SCHEME),)})
        self._plan = Plan(settings, _MAP, {})

    def read(self, form: Mapping[str, str], received_at: datetime, source_no: str) -> Complaint:
        """The complaint. Raises `Refused` with every bad field. A Chinese name is family name first."""
        fields: dict[str, Any] = {name: value for name, value in form.items() if name != "api_key"}
        fields["name"] = f"{fields.pop('last_name', '')}{fields.pop('first_name', '')}"
        raw = json.dumps(fields, ensure_ascii=False).encode()
        return self._plan.read(fields, received_at, channel=OPEN311, raw=raw, source_no=source_no)
