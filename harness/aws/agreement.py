"""Money and destruction are agreed to before anything is done: what it costs, the limit, the question. Asking is a parameter."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.aws.deployment import Size
from harness.aws.estimate import Estimate, Total
from harness.aws.estimate_output import headline, total
from harness.aws.spend_guard import SpendGuard
from harness.errors import UsageError


class NotAgreed(UsageError):  # noqa: N818 - what happened is an answer, not a failure
    """Somebody said no, or nobody was there to ask; nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Has steps agreed to. ``yes``: in advance; ``ask`` puts a question and gives the answer, None where nobody is there."""

    yes: bool
    ask: Callable[[str], bool | None]

    def agree(self, what: str) -> None:
        """Go on, or raise NotAgreed."""
        if self.yes:
            return
        answer = self.ask(f"{what}?")
        if answer is None:
            raise NotAgreed(f"{what}? nobody is there to ask, so nothing was done; --yes agrees in advance")
        if not answer:
            raise NotAgreed("not agreed to; nothing was done")


def standing(estimate: Estimate, hours: float) -> Total:
    """What a stack costs that stands so long, idle or not; requests on demand come on top."""
    hourly = estimate.hourly
    return Total(usd=None if hourly.usd is None else hourly.usd * hours, at_least=hourly.at_least)


def said(size: Size, estimate: Estimate, hours: float) -> list[str]:
    """What is shown before anything is made: the planned run, the hour, and the whole time until it may be swept."""
    lines = [headline(size, estimate)]
    if estimate.unknown:
        lines.append(f"Unknown, and so in no sum: {', '.join(estimate.unknown)}.")
    lines.append(f"Left standing until it may be swept, {hours:g} h: {total(standing(estimate, hours))}.")
    return lines


def affordable(estimate: Estimate, hours: float, max_usd: float, clock_ns: Callable[[], int]) -> None:
    """Raises UsageError where the planned run, or standing until the expiry, costs more than the limit."""
    try:
        reason = SpendGuard(max_usd=max_usd, clock_ns=clock_ns).refuse(estimate)
    except ValueError as error:
        raise UsageError(str(error)) from error
    until = standing(estimate, hours)
    if reason is None and until.usd is not None and until.usd > max_usd:
        reason = f"standing for {hours:g} h costs {total(until)}, --max-usd is ${max_usd:,.2f}; raise it, or give fewer --hours"
    if reason is not None:
        raise UsageError(reason)
