"""A key trace as it was read: its accesses, or those to a sample of its keys, and what the whole of it says."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from harness.cache.sizing.curve import GROUPS, Accesses
from harness.cache.sizing.kernel import READ, Int8, Int64
from harness.errors import UsageError

MOST_ACCESSES = 50_000_000
"""As many are kept in memory: of a longer trace a sample of the keys must do."""
_HASH_BITS = 40
_UINT64 = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTrace:
    """``accesses`` are those to a share ``rate`` of the keys, which ``groups`` divides at random; the rest is of the whole trace.

    ``span_s`` is the time from the first access to the last, None where the trace has no times.
    """

    accesses: Accesses
    rate: float
    groups: Int8
    count: int
    reads: int
    span_s: float | None
    source: str
    notes: tuple[str, ...]

    @property
    def reads_per_s(self) -> float | None:
        """Reads by the time the trace took; None where that isn't known."""
        return self.reads / self.span_s if self.span_s else None


class Collected:
    """Takes accesses a block at a time, keeps those to the keys of the sample, and counts all."""

    def __init__(self, source: str, rate: float = 1.0) -> None:
        if not 0 < rate <= 1:
            raise UsageError(f"--sample must be above 0 and at most 1, the share of the keys to take, got {rate:g}")
        self._source = source
        self._rate = rate
        self._keys: list[pa.DictionaryArray] = []
        self._kinds: list[Int8] = []
        self._bytes: list[Int64] = []
        self._kept = 0
        self.count = self.reads = 0

    def add(self, keys: pa.Array, kinds: Int8, value_bytes: Int64) -> None:
        """A block: keys as text, READ, WRITE or DELETE, and bytes. Raises UsageError where that makes too many."""
        self.count += len(keys)
        self.reads += int((kinds == READ).sum())
        encoded = keys.dictionary_encode()
        if self._rate < 1:
            mine = (_hashes(encoded.dictionary) < self._rate * (1 << _HASH_BITS))[encoded.indices.to_numpy()]
            encoded = keys.filter(pa.array(mine)).dictionary_encode()
            kinds, value_bytes = kinds[mine], value_bytes[mine]
        self._keys.append(encoded)
        self._kinds.append(kinds)
        self._bytes.append(value_bytes)
        self._kept += len(kinds)
        if self._kept > MOST_ACCESSES:
            raise UsageError(
                f"{self._source}: more than {MOST_ACCESSES:,} accesses; take a sample of the keys, such as --sample 0.01"
            )

    def finish(self, span_s: float | None, notes: Sequence[str], order: Int64 | None = None) -> KeyTrace:
        """The trace, put in ``order`` where that is given. Raises UsageError where nothing is read in it."""
        if not self.reads:
            raise UsageError(f"{self._source}: no reads; expected a row for each read of a key")
        whole = pa.chunked_array(self._keys).unify_dictionaries()
        names = whole.chunk(0).dictionary
        accesses = Accesses(
            keys=np.concatenate([chunk.indices.to_numpy() for chunk in whole.chunks]).astype(np.int64),
            kinds=np.concatenate(self._kinds), value_bytes=np.concatenate(self._bytes),
            key_bytes=pc.binary_length(names).to_numpy().astype(np.int64),
        )  # fmt: skip
        if order is not None:
            accesses = accesses.chosen(order)
        if self._rate < 1:
            if not accesses.reads:
                raise UsageError(f"{self._source}: --sample {self._rate:g} takes no key that is read; take more")
            notes = [
                *notes,
                f"A sample of {100 * self._rate:g} % of the keys: hit rates have an error, which is stated.",
            ]
        return KeyTrace(
            accesses=accesses, rate=self._rate, groups=(_hashes(names) % GROUPS).astype(np.int8), count=self.count,
            reads=self.reads, span_s=span_s, source=self._source, notes=tuple(notes),
        )  # fmt: skip


def _hashes(names: pa.Array) -> _UINT64:
    """A number of 40 bits for each key, the same everywhere: CRC-32 through the finaliser of SplitMix64."""
    mixed = np.array([zlib.crc32(name) for name in names.cast(pa.binary()).to_pylist()], dtype=np.uint64)
    mixed = (mixed + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (mixed ^ (mixed >> np.uint64(31))) >> np.uint64(64 - _HASH_BITS)
