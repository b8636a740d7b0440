"""What every store is held to, whichever it is: each read answered as pandas answers it on the raw CSV."""

from collections.abc import Callable, Mapping
from typing import Any

from flights_in_pandas import FlightsInPandas

from harness.stores_compared.patterns import digest
from harness.stores_compared.questions import Questions
from harness.stores_compared.settings import SqlVsNosqlSettings
from harness.stores_compared.store import Asked
from harness.stores_compared.tables import Tables


def answers_as_in_pandas(
    ask: Callable[..., Asked],
    pattern: Any,
    *,
    questions: Questions,
    pandas: Mapping[int, FlightsInPandas],
    tables: Tables,
    settings: SqlVsNosqlSettings,
) -> list[Asked]:
    """Every question of both parts, at every size that is asked: the same rows in the same order, and the digest that a report makes."""
    answers = []
    for part, sizes in (("patterns", settings.sizes[-1:]), ("growth", settings.sizes)):
        for parameters in questions.of(part, pattern).parameters:  # type: ignore[arg-type]
            for size in sizes:
                answer = ask(pattern, size, **parameters)
                right = pandas[size].answer(pattern, parameters)
                assert list(map(tuple, answer.rows)) == right, (parameters, size)
                assert digest(answer.rows) == digest(right)
                assert len(right) == tables.expected(pattern, parameters, size)
                answers.append(answer)
    assert len(answers) >= (3 if pattern in ("count", "top_routes", "carrier_month_delays") else 3 * settings.questions)
    return answers
