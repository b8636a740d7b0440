"""pyarrow in the process that makes load."""

import sys

import pyarrow as pa


def keep_pandas_out() -> None:
    """Stop pyarrow from importing pandas when it first converts a Python value; call before any conversion.

    pyarrow looks once whether pandas is there, by importing it: half a second and 60 MB in the very process
    that pandas must never live in. Where pandas was imported already, or where ``to_pandas`` is called
    later, nothing changes.
    """
    if "pandas" in sys.modules:
        return
    sys.modules["pandas"] = None  # type: ignore[assignment] # Python's own mark for "not importable"
    try:
        pa.scalar(0)
    finally:
        del sys.modules["pandas"]
