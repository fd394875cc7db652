"""What the endpoints of appointment share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from atendeai.appointment.operations import Operations
from atendeai.appointment.waitlist import WaitingList
from atendeai.kit.identity import Principal, permitted, service


def _operations(request: Request) -> Operations:
    operations: Operations = request.app.state.operations
    return operations


def _waiting_list(request: Request) -> WaitingList:
    waiting_list: WaitingList = request.app.state.waiting_list
    return waiting_list


OperationsDep = Annotated[Operations, Depends(_operations)]
WaitingListDep = Annotated[WaitingList, Depends(_waiting_list)]
ServiceDep = Annotated[Principal, Depends(service())]
ReaderDep = Annotated[Principal, Depends(permitted("appointments.read"))]
WriterDep = Annotated[Principal, Depends(permitted("appointments.write"))]
