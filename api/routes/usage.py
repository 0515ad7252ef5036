"""GET /api/v1/auth/usage: how often one called what."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal, Self

from flask import Blueprint, Response
from pydantic import BaseModel, Field, model_validator

from api.accounts.usage import sum_of
from api.answers.credentials import UsageAnswer
from api.endpoint import Endpoint, endpoint, principal
from api.principal import Scope
from api.query import query_of
from api.services import services

blueprint = Blueprint("usage", __name__)

Period = Literal["day", "week", "month", "year"]
#: Days up to and including today.
_DAYS: dict[Period, int] = {"day": 1, "week": 7, "month": 30, "year": 365}
_MOST_DAYS = 366


class UsageQuery(BaseModel):
    """Which days, of UTC. A period ends today; otherwise both dates are given."""

    #: The days up to and with today; not beside dates.
    period: Period | None = None
    #: The first day, as in 2026-11-01.
    start_date: Annotated[date, Field(ge=date(2000, 1, 1), le=date(9999, 12, 31))] | None = None
    #: The last day, included.
    end_date: Annotated[date, Field(ge=date(2000, 1, 1), le=date(9999, 12, 31))] | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        first, last = self.start_date, self.end_date
        if (first is None) != (last is None):
            raise ValueError("start_date and end_date belong together")
        if first is not None and last is not None:
            if self.period is not None:
                raise ValueError("give a period or two dates, not both")
            if not 0 <= (last - first).days < _MOST_DAYS:
                raise ValueError(f"end_date is at most {_MOST_DAYS - 1} days after start_date")
        return self

    def span(self, today: date) -> tuple[date, date]:
        """First and last day."""
        if self.start_date is not None and self.end_date is not None:
            return self.start_date, self.end_date
        return today - timedelta(days=_DAYS[self.period or "month"] - 1), today


@blueprint.get("/api/v1/auth/usage")
@endpoint(
    Endpoint(scope=Scope.ACCOUNT, tag="accounts", query=UsageQuery, answers={200: UsageAnswer})
)
def read_usage() -> Response:
    """Count one's calls of a period, 30 days unless asked otherwise."""
    first, last = query_of(UsageQuery).span(datetime.now(UTC).date())
    by_date = services().credentials.usage.by_date(principal().user_id, first, last)
    sums = sum_of(by_date)
    answer = UsageAnswer(
        start_date=first,
        end_date=last,
        total_calls=sums.total,
        successful_calls=sums.total - sums.failed,
        failed_calls=sums.failed,
        by_endpoint=dict(sums.by_endpoint),
        by_date={day: tally.total for day, tally in by_date.items()},
        by_key=dict(sums.by_key),
    )
    return Response(answer.model_dump_json(), mimetype="application/json")
