"""findings.json read back: what one run said, by figure, for whoever compares runs, gates them or follows them over time.

A **figure** is a finding's id with its labels; it is written ``id{label=value,…}``, labels in the order of the alphabet. That is
also how a gate selects one.
"""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from reports.folder import FAILURES, Folder, said
from reports.load import KNOWN_SCHEMA, MANIFEST, NotARun, folder_at

KNOWN_FINDINGS_SCHEMA = 1
FINDINGS = "findings.json"
Group = TypeVar("Group")
_ALWAYS_FIGURES = frozenset({"step"})  # a figure at another step is another figure, however many steps a run has


class Newer(NotARun):
    """The run is of a later version, whose figures may mean something else."""


@dataclass(frozen=True, slots=True, order=True)
class Figure:
    """What is told apart: an id and its labels, sorted."""

    id: str
    labels: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        about = ",".join(f"{name}={text}" for name, text in self.labels)
        return f"{self.id}{{{about}}}" if about else self.id

    def without(self, names: Iterable[str]) -> "Figure":
        """The figure with these labels left out."""
        left_out = frozenset(names)
        return Figure(self.id, tuple(pair for pair in self.labels if pair[0] not in left_out))

    def has(self, id: str, labels: Mapping[str, str]) -> bool:
        """Whether a selector of this id and these labels, or more, means it."""
        return self.id == id and labels.items() <= dict(self.labels).items()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The findings of one run, each under its figure, as findings.json has them (docs/figures.md)."""

    path: str
    manifest: Mapping[str, Any]
    findings: Mapping[Figure, Mapping[str, Any]]

    @property
    def id(self) -> str:
        """The run's own name."""
        return str(self.manifest.get("id", Path(self.path).name))

    @classmethod
    def of(cls, path: str, manifest: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> "Recorded":
        """From records in memory; a figure that stands twice keeps its first."""
        findings: dict[Figure, Mapping[str, Any]] = {}
        for record in records:
            findings.setdefault(figure_of(record), record)
        return cls(path=path, manifest=manifest, findings=findings)

    @classmethod
    def load(cls, place: Path | str) -> "Recorded":
        """Read manifest.json and findings.json of a run directory, or of what a URL names. Raises NotARun with the way out."""
        folder = folder_at(place)
        path = folder.name
        again = f"dbharness report {path}" if folder.is_local else "dbharness report, of a copy of the run"
        manifest = _read(folder, MANIFEST, "give a folder that `dbharness run` wrote")
        if not isinstance(manifest, dict) or not isinstance(manifest.get("scenarios"), dict):
            raise NotARun(f"{path}/{MANIFEST} is damaged; this run can't be read")
        _refuse_newer(path, manifest)
        records = _read(folder, FINDINGS, f"make its report first: {again}")
        if not isinstance(records, list) or not all(isinstance(one, dict) and "id" in one for one in records):
            raise NotARun(f"{path}/{FINDINGS} is no list of findings; make it again: {again}")
        return cls.of(path, manifest, records)


def figure_of(record: Mapping[str, Any]) -> Figure:
    """The figure that a record of findings.json is about."""
    labels = record.get("labels", {})
    return Figure(str(record["id"]), tuple(sorted((name, str(text)) for name, text in labels.items())))


def labels_of_groups(groups: Mapping[Group, Sequence[Figure]]) -> dict[str, dict[Group, str]]:
    """Labels that tell groups of figures of one id apart (the sides of a comparison, runs one after the other), not figures.

    Such a label has one value all over each group, and not the same one in all: ``client``, lean here and boto3 there. Each comes with
    its value in every group, in the order of the alphabet.
    """
    shared = {group: dict(set.intersection(*(set(one.labels) for one in those))) for group, those in groups.items()}
    names = set.intersection(*(set(labels) for labels in shared.values())) - _ALWAYS_FIGURES
    values = {name: {group: labels[name] for group, labels in shared.items()} for name in sorted(names)}
    return {name: of_groups for name, of_groups in values.items() if len(set(of_groups.values())) > 1}


def told_apart(figures: Sequence[Figure]) -> list[Figure]:
    """The same figures with those labels alone by which they differ."""
    common = set.intersection(*(set(figure.labels) for figure in figures))
    return [figure.without(name for name, _ in common) for figure in figures]


def nearest(wanted: str, figures: Iterable[Figure], most: int = 3) -> list[str]:
    """The names most like ``wanted``, an id or a whole selector, for an error that says what there is."""
    names = sorted({str(figure) for figure in figures} if "{" in wanted else {figure.id for figure in figures})
    return difflib.get_close_matches(wanted, names, n=most, cutoff=0.3)


def _refuse_newer(path: str, manifest: Mapping[str, Any]) -> None:
    for name, known in (("schema", KNOWN_SCHEMA), ("findings_schema", KNOWN_FINDINGS_SCHEMA)):
        schema = manifest.get(name, 0)
        if not isinstance(schema, int):
            raise NotARun(f"{path}/{MANIFEST} is damaged ({name} is {schema!r}); this run can't be read")
        if schema > known:
            raise Newer(f"{path} is of a newer dbharness ({name.replace('_', ' ')} {schema}); read it with that one")


def _read(folder: Folder, name: str, way_out: str) -> Any:
    try:
        return json.loads(folder.read(name))
    except FAILURES as error:
        raise NotARun(f"{folder.name}: {name}: {said(error)}; {way_out}") from error
    except ValueError as error:
        raise NotARun(f"{folder.name}/{name} is damaged ({error}); {way_out}") from error
