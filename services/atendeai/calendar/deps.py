"""What the endpoints of calendar share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from atendeai.calendar.channels import Channels
from atendeai.calendar.consent import Consents
from atendeai.calendar.service import CalendarService
from atendeai.calendar.status import StatusReport


def _calendar(request: Request) -> CalendarService:
    calendar: CalendarService = request.app.state.calendar
    return calendar


def _report(request: Request) -> StatusReport:
    report: StatusReport = request.app.state.report
    return report


def _channels(request: Request) -> Channels:
    channels: Channels = request.app.state.channels
    return channels


def _consents(request: Request) -> Consents:
    consents: Consents = request.app.state.consents
    return consents


CalendarDep = Annotated[CalendarService, Depends(_calendar)]
ReportDep = Annotated[StatusReport, Depends(_report)]
ChannelsDep = Annotated[Channels, Depends(_channels)]
ConsentsDep = Annotated[Consents, Depends(_consents)]
