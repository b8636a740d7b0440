"""Rows as MySQL's literals, whole columns at once: PyMySQL writes its parameters in value by value, at several times the cost."""

import pyarrow as pa
import pyarrow.compute as pc


def value_lists(rows: pa.Table) -> list[str]:
    """``('text',1,NULL)`` for each row; of columns of text, numbers and timestamps without a zone."""
    members = [_literals(column) for column in rows.columns]
    joined = pc.binary_join_element_wise(*members, ",")
    lists: list[str] = pc.binary_join_element_wise("(", joined, ")", "").to_pylist()
    return lists


def _literals(values: pa.ChunkedArray) -> pa.ChunkedArray:
    text = values.cast(pa.string())
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        for special in ("\\", "'"):
            text = pc.replace_substring(text, special, f"\\{special}")
        text = pc.binary_join_element_wise("'", text, "'", "")
    return pc.fill_null(text, "NULL")
