"""Functions compiled by numba, kept on disk so that only the first call of a machine pays for it."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function, compiled when it is first called; kept beside its file, or in the user's cache."""
    try:
        return cast("Function", njit(cache=True)(function))
    except RuntimeError:  # no place that can be written to: compiled anew in each process
        return cast("Function", njit(function))
