"""Ways to read and write through a cache, each small enough to be lifted into an application, its source named with it.

A strategy is a reader with a way to write: ``STRATEGIES[arm](parts)`` puts together what an arm's name means, and other
combinations are made by hand (``Invalidate(SingleFlight(…), …)``). A cache that fails costs time, never the answer:
no strategy raises CacheError, and what the database raises comes through.
"""

from harness.cache.strategies.arms import STRATEGIES, Parts
from harness.cache.strategies.lazy import LazyJitter, LazyLoading, NoCache
from harness.cache.strategies.model import Cache, FullCache, Read, Reader, Strategy, Write
from harness.cache.strategies.shared_flight import SingleFlightShared
from harness.cache.strategies.single_flight import Flights, SingleFlight
from harness.cache.strategies.writing import Invalidate, WriteAround, WriteThrough
from harness.cache.strategies.xfetch import XFetch

__all__ = [
    "STRATEGIES",
    "Cache",
    "Flights",
    "FullCache",
    "Invalidate",
    "LazyJitter",
    "LazyLoading",
    "NoCache",
    "Parts",
    "Read",
    "Reader",
    "SingleFlight",
    "SingleFlightShared",
    "Strategy",
    "Write",
    "WriteAround",
    "WriteThrough",
    "XFetch",
]
