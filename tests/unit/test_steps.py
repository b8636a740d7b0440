"""Step by step: findings laid out as tables whose rows, columns and what they have in common follow from the labels."""

from typing import Any

from reports.findings import Finding
from reports.render.steps import steps


def found(figure: str, value: float | None, **labels: str) -> Finding:
    absent: dict[str, Any] = {} if value is not None else {"status": "not_measured", "reason": "no server"}
    return Finding(
        id=f"s.{figure}", scenario="s", sentence="So it is.", value=value, unit="ms", better="lower", n=6, target="local",
        labels=labels, **absent,
    )  # fmt: skip


def test_a_row_a_step_and_arm_a_column_a_figure_and_what_all_share_above() -> None:
    """Two steps by two arms, p50 and p99; the client is the same everywhere. One p99 wasn't measured: a shape, no zero."""
    (table,) = steps(
        [
            found(f"latency_{which}_ms", None if (which, step, arm) == ("p99", "2", "b") else value, part="sizes", step=step, arm=arm, client="lean")
            for step in ("1", "2") for arm in ("a", "b") for which, value in (("p50", 1.5), ("p99", 20.0))
        ]
    )  # fmt: skip
    assert (table.part, table.names, table.common) == ("sizes", ("step", "arm"), "client lean")
    assert table.headings == ("latency p50 ms", "latency p99 ms")
    assert table.rows == (
        ("1", "a", "1.5 ms", "20 ms"), ("1", "b", "1.5 ms", "20 ms"), ("2", "a", "1.5 ms", "20 ms"), ("2", "b", "1.5 ms", "○"),
    )  # fmt: skip


def test_figures_that_are_told_apart_by_other_labels_have_a_table_of_their_own() -> None:
    """Errors by when, recovery by what: the rows of the one aren't those of the other."""
    errors = [
        found("error_share", 1.0, part="lost", arm=arm, when=when) for arm in "ab" for when in ("before", "during")
    ]
    back = [found("recovery_s", 2.0, part="lost", arm=arm, of=of) for arm in "ab" for of in ("hits", "p99")]
    tables = steps([*errors, *back])
    assert [(table.names, len(table.rows)) for table in tables] == [(("arm", "when"), 4), (("arm", "of"), 4)]


def test_a_figure_with_half_the_rows_of_another_stands_beside_it_with_dashes_and_one_with_fewer_doesnt() -> None:
    """Four steps; headroom for two of them, a growth for one, which is one row: told with the findings alone."""
    shares = [found("share", float(step), part="steps", step=str(step), arm="a") for step in range(4)]
    headroom = [found("headroom", 9.0, part="steps", step=str(step), arm="a") for step in range(2)]
    (table,) = steps([*shares, *headroom, found("growth", 5.0, part="steps", step="3", arm="a")])
    assert table.headings == ("share", "headroom")
    assert [row[-1] for row in table.rows] == ["9 ms", "9 ms", "–", "–"]


def test_a_label_that_another_settles_tells_no_rows_apart() -> None:
    """The server is settled by the engine: it is in no column, and being no one server, not above either."""
    (table,) = steps([found("share", 1.0, engine=engine, server=f"{engine} 1") for engine in ("mysql", "postgres")])
    assert (table.part, table.names, table.common) == ("all", ("engine",), "")


def test_a_bound_and_a_tool_bound_figure_are_marked() -> None:
    """A shape before the figure."""
    at_least = Finding(
        id="s.x", scenario="s", sentence="x", value=700.0, unit="s", better="lower", n=6, target="local", labels={"arm": "a"},
        status="at_least",
    )  # fmt: skip
    bound = Finding(
        id="s.x", scenario="s", sentence="x", value=2.0, unit="s", better="lower", n=6, target="local", labels={"arm": "b"},
        status="tool_bound",
    )  # fmt: skip
    (table,) = steps([at_least, bound])
    assert [row[-1] for row in table.rows] == ["▲ at least 700 s", "◆ 2 s"]
