"""pyarrow in the process that makes load."""

import sys
from importlib.abc import MetaPathFinder

import pyarrow as pa


def keep_pandas_out() -> None:
    """Stop pyarrow from importing pandas when it first converts a Python value; call before any conversion.

    pyarrow looks once whether pandas is there, by importing it: half a second and 60 MB in the very process
    that pandas must never live in. Where pandas was imported already, or where ``to_pandas`` is called
    later, nothing changes.
    """
    if "pandas" in sys.modules:
        return
    refusal = _NoPandas()
    sys.meta_path.insert(0, refusal)
    try:
        pa.scalar(0)
    finally:
        sys.meta_path.remove(refusal)


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("kept out while pyarrow looks for it", name="pandas")
