"""Lists, all of one shape: `page_size`, `page_token`, `sort`; `items` and `next_page_token` in the answer.

A repository declares what its list can be sorted by (`Sorting`), a route depends on `paged(…)`, and the `Window` it
gets says how to ask: an ORDER BY, and the condition that continues behind the last row of the page before (keyset
pagination: no page is skewed by what is added or removed meanwhile, and the last costs what the first does).

A token is opaque to callers and bound to the list, its filters and its order: used with others it would continue
somewhere that means nothing there, so it is refused. It names values of the caller's own rows and opens nothing.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, Query, Request

from atendeai.kit.errors import Problem, invalid
from atendeai.kit.responses import dumps
from atendeai.kit.schemas import Answer
from atendeai.kit.wording import spelt

__all__ = ["MOST", "Field", "Page", "Sorting", "Window", "paged"]

MOST = 200
_USUAL = 50
_TOKEN = spelt(r"^[A-Za-z0-9_-]+$", "letters, digits, - and _, just as it was given out")
_BESIDES = frozenset({"page_token", "page_size"})
_Row = TypeVar("_Row")


class Page(Answer):
    """One page; `next_page_token` goes into `page_token` for the page after it, and is null on the last one."""

    next_page_token: str | None


@dataclass(frozen=True, slots=True)
class Field:
    """Something to sort by: its name on the wire, the column (never null) behind it, and the values' type."""

    name: str
    column: str
    kind: type[datetime] | type[date] | type[UUID] | type[str] | type[int]

    def read(self, value: Any) -> Any:
        """Return a token's value as the column's. Raises `ValueError` or `TypeError`."""
        if isinstance(value, bool) or not isinstance(value, int if self.kind is int else str):
            raise TypeError("a value of another type")
        if isinstance(value, int):
            return value
        if self.kind is datetime:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise ValueError("a moment without an offset")
            return moment
        if self.kind is date:
            return date.fromisoformat(value)
        return UUID(value) if self.kind is UUID else value


class Sorting:
    """What a list may be sorted by.

    `default` is a `sort` as callers write it (`-start,created_at`); `tie` is unique and decides between equals.
    """

    def __init__(self, *fields: Field, default: str, tie: Field) -> None:
        self.fields = {field.name: field for field in fields}
        self.default = default
        self.tie = tie
        names = "|".join(re.escape(name) for name in self.fields)
        self.pattern = spelt(
            rf"^-?({names})(,-?({names}))*$",
            f"one or several of {', '.join(self.fields)}, a falling one with - before it",
        )

    def order(self, sort: str | None) -> tuple[tuple[Field, bool], ...]:
        """Return the fields and whether each falls. Raises a 422 problem for a field that is named twice."""
        wanted = [(self.fields[one.lstrip("-")], one.startswith("-")) for one in (sort or self.default).split(",")]
        if len({field.name for field, _ in wanted}) < len(wanted):
            raise invalid("sort", "names a field twice")
        if all(field.name != self.tie.name for field, _ in wanted):
            # In the direction of the last, so that one comparison of rows, which an index serves, says it all.
            wanted.append((self.tie, wanted[-1][1]))
        return tuple(wanted)


@dataclass(frozen=True, slots=True)
class Window:
    """One page that is asked for."""

    size: int
    order: tuple[tuple[Field, bool], ...]
    after: tuple[Any, ...] | None
    query: str

    @property
    def limit(self) -> int:
        """How many rows to read: one more than are shown tells whether there is another page."""
        return self.size + 1

    def order_by(self) -> str:
        """Return what follows ORDER BY."""
        return ", ".join(f"{field.column} {'DESC' if falls else 'ASC'}" for field, falls in self.order)

    def condition(self) -> tuple[str, dict[str, Any]]:
        """Return what must hold of rows behind the last one seen, as SQL with bound values; `TRUE` on the first page.

        The columns are the repository's own, from its `Sorting`; nothing that a caller wrote gets into the text.
        """
        if self.after is None:
            return "TRUE", {}
        values = {f"after_{place}": value for place, value in enumerate(self.after)}
        if len({falls for _, falls in self.order}) == 1:
            columns = ", ".join(field.column for field, _ in self.order)
            sign = "<" if self.order[0][1] else ">"
            return f"({columns}) {sign} ({', '.join(f':{name}' for name in values)})", values
        cases = []
        for place, (field, falls) in enumerate(self.order):
            same = [f"{before.column} = :after_{index}" for index, (before, _) in enumerate(self.order[:place])]
            cases.append(" AND ".join([*same, f"{field.column} {'<' if falls else '>'} :after_{place}"]))
        return "(" + " OR ".join(f"({case})" for case in cases) + ")", values

    def page(self, rows: Sequence[_Row], key: Callable[[_Row], Mapping[str, Any]]) -> tuple[Sequence[_Row], str | None]:
        """Return the rows to show, and the token of the page after them.

        `rows` are up to `limit`; `key` gives a row's values by the names of the fields, the tie's among them.
        """
        if len(rows) <= self.size:
            return rows, None
        shown = rows[: self.size]
        last = key(shown[-1])
        token = dumps([self.query, *(last[field.name] for field, _ in self.order)])
        return shown, base64.urlsafe_b64encode(token).decode().rstrip("=")


def paged(sorting: Sorting) -> Any:
    """Make the dependency that gives a list's route its window, for `Annotated[Window, …]`."""
    names = ", ".join(sorting.fields)

    async def dependency(
        request: Request,
        page_size: Annotated[int, Query(ge=1, le=MOST, description="The most items to answer.")] = _USUAL,
        page_token: Annotated[
            str | None,
            Query(
                min_length=1,
                max_length=1000,
                pattern=_TOKEN,
                description="`next_page_token` of the page before, with the same filters and order.",
            ),
        ] = None,
        sort: Annotated[
            str | None,
            Query(
                max_length=100,
                pattern=sorting.pattern,
                description=f"Fields to sort by, a falling one with `-` before it: {names}. Without it"
                f" `{sorting.default}`.",
            ),
        ] = None,
    ) -> Window:
        order = sorting.order(sort)
        query = _digest(request)
        return Window(page_size, order, _read(page_token, order, query) if page_token else None, query)

    made: Callable[..., Awaitable[Window]] = dependency
    return Depends(made)


def _digest(request: Request) -> str:
    """Return what a token is bound to: the list, its filters and its order."""
    asked = sorted(pair for pair in request.query_params.multi_items() if pair[0] not in _BESIDES)
    return hashlib.blake2s(dumps([request.url.path, asked]), digest_size=9).hexdigest()


def _read(token: str, order: tuple[tuple[Field, bool], ...], query: str) -> tuple[Any, ...]:
    try:
        bound, *values = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if bound != query or len(values) != len(order):
            raise _foreign()
        return tuple(field.read(value) for (field, _), value in zip(order, values, strict=True))
    except (binascii.Error, ValueError, TypeError):
        raise _foreign() from None


def _foreign() -> Problem:
    return invalid(
        "page_token",
        "is not one that this list gave out for these filters and this order; begin again without page_token",
    )
