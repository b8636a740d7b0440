"""What fails over, and how: the words of setting ``cells``, such as ``multi_az_instance.crash``.

A word is a topology, a fault, and where wanted a durability parameter (D7) and the pace, with dots between:
``single_az.crash.sync_binlog=0``, ``multi_az_instance.crash.rds``. A trial's step is the same word; that of ``by_hand``, which waits
for somebody, gets the fault that was asked for once it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from harness.local.pace import RDS, PaceName
from harness.local.topologies.model import TopologyName
from harness.sql.endpoint import Engine

Fault = Literal["crash", "hang", "planned", "black_hole", "by_hand"]
FAULTS: tuple[Fault, ...] = Fault.__args__  # type: ignore[attr-defined]
TOPOLOGIES: tuple[TopologyName, ...] = TopologyName.__args__  # type: ignore[attr-defined]
BY_HAND: Fault = "by_hand"
MOST_CELLS = 40
# A durability parameter, whose it is, and what it may be set to.
PARAMETERS: Mapping[str, tuple[Engine, tuple[str, ...]]] = {
    "innodb_flush_log_at_trx_commit": ("mysql", ("0", "1", "2")),
    "sync_binlog": ("mysql", ("0", "1")),
    "synchronous_commit": ("postgres", ("on", "local", "off")),
}
# Faults that say nothing there: who is cut off in its only zone comes back when the network does, whatever anybody decides.
SENSELESS: Mapping[TopologyName, frozenset[Fault]] = {"single_az": frozenset({"black_hole"})}


@dataclass(frozen=True, slots=True, kw_only=True)
class FailoverCell:
    """One engine in one topology that one fault befalls; ``durability`` is ``default`` or ``parameter=value``."""

    engine: Engine
    topology: TopologyName
    fault: Fault
    pace: PaceName = "fast"
    durability: str = "default"

    @property
    def step(self) -> str:
        """The cell's word, without its engine."""
        words: list[str] = [self.topology, self.fault]
        words += [self.durability] * (self.durability != "default") + ["rds"] * (self.pace == "rds")
        return ".".join(words)

    @property
    def parameters(self) -> dict[str, str]:
        """What the topology is told to apply: nothing where RDS's own values hold."""
        return parameters_of(self.durability)


def parameters_of(durability: str) -> dict[str, str]:
    """A trial's label ``durability`` as ``Topology.apply`` takes it."""
    if durability == "default":
        return {}
    name, _, value = durability.partition("=")
    return {name: value}


def cells_of(words: Iterable[str], engines: Iterable[Engine], pace: PaceName | None = None) -> Iterator[FailoverCell]:
    """The cells that ``words`` name, for every engine that has what they ask for; ``pace``, if given, is that of all.

    At pace ``rds`` those are left out for whose topology no duration is published. Raises ValueError, with the way out, for a
    word that says nothing.
    """
    engines = tuple(engines)
    for word in words:
        topology, fault, durability, own_pace = _read(word)
        if pace == "rds" and topology not in RDS:
            continue
        owner = None if durability == "default" else PARAMETERS[durability.partition("=")[0]][0]
        for engine in engines:
            if owner in (None, engine):
                yield FailoverCell(
                    engine=engine, topology=topology, fault=fault, durability=durability, pace=pace or own_pace
                )


def check_word(word: str) -> str:
    """The word itself, if it names a cell; else ValueError, which says what there is."""
    _read(word)
    return word


def _read(word: str) -> tuple[TopologyName, Fault, str, PaceName]:
    topology, *rest = word.split(".")
    fault, durability, pace = (rest.pop(0) if rest else ""), "default", "fast"
    if rest and "=" in rest[0]:
        durability = rest.pop(0)
    if rest == ["rds"]:
        pace, rest = "rds", []
    if rest or topology not in TOPOLOGIES or fault not in FAULTS:
        raise ValueError(
            f"must be topology.fault[.parameter=value][.rds]; topologies are {', '.join(TOPOLOGIES)}, faults {', '.join(FAULTS)}"
        )
    if fault in SENSELESS.get(topology, ()):
        raise ValueError(f"leaves nothing to decide: a {topology} has no other zone to go to; leave it out")
    if pace == "rds" and topology not in RDS:
        raise ValueError(
            f"must have the pace fast: nothing is published that rds could go by; it goes with {', '.join(RDS)}"
        )
    if durability != "default":
        name, _, value = durability.partition("=")
        if value not in PARAMETERS.get(name, ("", ()))[1]:
            known = "; ".join(f"{one}: {', '.join(values)}" for one, (_, values) in PARAMETERS.items())
            raise ValueError(f"must have a durability parameter that there is: {known}")
    return topology, fault, durability, pace  # type: ignore[return-value] # looked up above
