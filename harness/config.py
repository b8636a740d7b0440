"""Reads config.yaml: profiles laid over the base, overrides laid over both, every error with its line.

The scenarios' own settings are validated by the models they bring along, so that adding a scenario
changes nothing here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError, model_validator

from harness.config_words import Complaint, KeyPath, WrongSettings, complaints, nearest
from harness.dynamodb.pricing import Prices
from harness.errors import UsageError
from harness.gate_rules import parse
from harness.paths import PROJECT_ROOT
from harness.sql.endpoint import Engine
from harness.yaml_lines import read_lines

Profile = Literal["smoke", "quick", "standard"]
Target = Literal["local", "aws"]


class Settings(BaseModel):
    """Base of every section: frozen; an unknown key is an error, and so is a number without end."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if repeated := sorted({str(one) for one in values if values.count(one) > 1}):
        raise ValueError(f"must have each entry once, has {', '.join(repeated)} more than once")
    return values


EachOnce = AfterValidator(_each_once)
"""For a list each of whose entries is a cell, a step or an arm of its own: ``Annotated[tuple[int, ...], EachOnce]``."""


class LoadSettings(Settings):
    """Section ``load``: the process that makes the load."""

    cpu_affinity: tuple[NonNegativeInt, ...] | None = None


class CacheSettings(Settings):
    """Section ``cache``: which cache stands in for ElastiCache, for every scenario that has one."""

    auth: bool = False
    tls: bool = False
    cluster: bool = False


class AwsTables(Settings):
    """The two tables of capacity_modes, and what the names of those begin with that query_vs_scan makes for itself."""

    provisioned: str | None = None
    on_demand: str | None = None
    prefix: str | None = None


class AwsDynamoSettings(Settings):
    """DynamoDB: where it answers, unless where botocore finds it, and which tables."""

    endpoint_url: str | None = None
    tables: AwsTables = AwsTables()


class AwsSqlSettings(Settings):
    """One database: by ``instance`` or ``cluster``, whose endpoint RDS tells, or by ``host``; and whose name to give."""

    instance: str | None = None
    cluster: str | None = None
    host: str | None = None
    reader_host: str | None = None
    proxy_host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65_535)
    database: str = "flights"
    secret: str | None = None
    user_env: str | None = None
    password_env: str | None = None
    ours: bool = False

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.instance and self.cluster:
            raise ValueError("has instance and cluster: name the one that fails over")
        if not (self.instance or self.cluster or self.host):
            raise ValueError("says nowhere where the database is: give instance, cluster or host")
        if bool(self.user_env) != bool(self.password_env):
            raise ValueError("must have user_env and password_env, both names of environment variables, or secret")
        if not self.secret and not self.user_env and not (self.instance or self.cluster):
            raise ValueError("has nobody to log in as: give secret, or user_env and password_env")
        return self


class AwsCacheSettings(Settings):
    """A cache: by ``replication_group``, whose endpoints ElastiCache tells, or by ``host``."""

    replication_group: str | None = None
    host: str | None = None
    port: int = Field(default=6379, ge=1, le=65_535)
    tls: bool = True
    cluster: bool = False
    secret: str | None = None
    password_env: str | None = None
    ours: bool = False

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if not (self.replication_group or self.host):
            raise ValueError("says nowhere where the cache is: give replication_group or host")
        return self


class AwsSettings(Settings):
    """Section ``aws``: where the services of target aws are, in place of, or beside, what a stack of ours has.

    ``filled`` says that the stack's outputs are in it already: load generators have no way to CloudFormation. ``protected`` goes
    with it: the stack set deletion protection.
    """

    stack: str | None = None
    filled: bool = False
    protected: bool = False
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    dynamodb: AwsDynamoSettings | None = None
    sql: dict[Engine, AwsSqlSettings] = Field(default_factory=dict)
    cache: AwsCacheSettings | None = None
    ca_bundle: str | None = None
    dns: str | None = None
    redact: bool = False


def _gate(text: str) -> str:
    return str(parse(text))


GateText = Annotated[str, AfterValidator(_gate)]
"""A gate (docs/gates.md), kept as its canonical text."""


class ComparisonSettings(Settings):
    """Section ``comparison``: the relative change that is too small to matter, by kind of figure (docs/method.md)."""

    margin: float = Field(default=0.05, gt=0, lt=1)
    margin_p99: float = Field(default=0.10, gt=0, lt=1)
    margin_share: float = Field(default=0.10, gt=0, lt=1)


class Config(Settings):
    """One run's configuration, profile applied; ``scenarios`` maps a name to its validated settings."""

    profile: Profile = "quick"
    target: Target = "local"
    seed: int = Field(default=20130101, ge=0)
    region: str = "us-east-1"
    prices_file: str | None = None
    months: tuple[int, ...] = Field(default=(1,), min_length=1)
    load: LoadSettings = LoadSettings()
    cache: CacheSettings = CacheSettings()
    aws: AwsSettings | None = None
    gates: Annotated[tuple[GateText, ...], EachOnce] = ()
    comparison: ComparisonSettings = ComparisonSettings()
    scenarios: dict[str, Any] = Field(default_factory=dict)

    def as_used(self) -> dict[str, Any]:
        """The configuration as plain data, the way a manifest keeps it."""
        return self.model_dump(mode="json", serialize_as_any=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where values came from, so that an error can name the place: that of a path, else the file."""

    name: str
    lines: Mapping[KeyPath, int]
    profile: str
    overrides: Mapping[KeyPath, str]

    def place(self, path: KeyPath) -> str:
        """``config.yaml:14`` for the line that set ``path`` (or the nearest parent), or the override.

        A whole section, some of whose keys were overridden, is from its line *with* these overrides.
        """
        heads = [path[:depth] for depth in range(len(path), 0, -1)]
        for head in heads:  # first: what was overridden as a whole has its members from there too
            if head in self.overrides:
                return f"--set {self.overrides[head]}"
        inside = [f" with --set {text}" for key, text in self.overrides.items() if key[: len(path)] == path]
        for head in heads:
            for candidate in (("profiles", self.profile, *head), head):
                if candidate in self.lines:
                    return f"{self.name}:{self.lines[candidate]}{''.join(inside)}"
        return self.name + "".join(inside)


def load(
    path: Path,
    models: Mapping[str, type[Settings]],
    *,
    profile: str | None = None,
    target: str | None = None,
    seed: int | None = None,
    overrides: Sequence[str] = (),
) -> Config:
    """Read ``path`` and lay the chosen profile and ``key=value`` overrides over it.

    ``models`` maps each known scenario to the model of its settings. Raises UsageError with file, line
    and the way out for anything that isn't right.
    """
    document, lines = read_lines(path)
    profiles = document.pop("profiles", None) or {}
    if not isinstance(profiles, dict):
        raise UsageError(f"{path.name}:{lines['profiles',]}: profiles must map names to sections")
    options = {"profile": profile, "target": target, "seed": seed}
    chosen = {key: value for key, value in options.items() if value is not None}
    name = str(chosen.get("profile", document.get("profile", "quick")))
    known = tuple(Profile.__args__)  # type: ignore[attr-defined]
    for unknown in [n for n in profiles if n not in known]:
        raise UsageError(
            f"{path.name}:{lines['profiles', unknown]}: unknown profile {unknown!r}{nearest(unknown, known)}"
        )
    if name not in known:
        where = "--profile" if profile else f"{path.name}:{lines.get(('profile',), 1)}"
        raise UsageError(f"{where}: unknown profile {name!r}; there are {', '.join(known)}")
    merged = _overlay(document, profiles.get(name) or {})
    given: dict[KeyPath, str] = {}
    for override in overrides:
        key_path, value = parsed_override(override, models)
        merged = _overlay(merged, _nest(key_path, value))
        given[key_path] = override
    source = Source(name=path.name, lines=lines, profile=name, overrides=given)
    return _validate(_overlay(merged, chosen), models, source)


def named_profile(path: Path) -> str | None:
    """The profile that ``path`` itself names, unless that isn't one; ``load`` says what is wrong with the rest."""
    name = named(path, "profile")
    return name if name in Profile.__args__ else None  # type: ignore[attr-defined]


def named(path: Path, key: str) -> Any:
    """What ``path`` itself has at the top for ``key``, as it stands there; None where it can't be read."""
    try:
        return read_lines(path)[0].get(key)
    except UsageError:
        return None


def load_prices(config: Config, *, of_any_region: bool = False) -> Prices:
    """The prices the configuration names: the file that comes with dbharness, or the user's own.

    A region that isn't in the file is refused with UsageError, or, with ``of_any_region``, has no known price.
    """
    path = Path(config.prices_file) if config.prices_file else PROJECT_ROOT / "harness" / "prices.yaml"
    try:
        document = yaml.safe_load(path.read_text())
        if of_any_region and isinstance(regions := (document or {}).get("regions"), dict):
            regions.setdefault(config.region, {})
        return Prices.from_mapping(document, region=config.region)
    except OSError as error:
        raise UsageError(f"prices_file {path}: {error.strerror}; name a readable file, or null for ours") from error
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise UsageError(f"prices_file {path}: {error}") from error


def _overlay(base: Any, top: Any) -> Any:
    """``top`` laid over ``base``: mappings merge key by key, anything else replaces."""
    if not (isinstance(base, dict) and isinstance(top, dict)):
        return top
    return base | {key: _overlay(base[key], value) if key in base else value for key, value in top.items()}


def parsed_override(text: str, models: Mapping[str, type[Settings]]) -> tuple[KeyPath, Any]:
    """Where ``key=value`` goes, and its value. Raises UsageError for what isn't that."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set {text}: expected key=value, for example query_vs_scan.pairs=8")
    path: KeyPath = tuple(key.strip().split("."))
    if path[0] in models:
        path = ("scenarios", *path)
    try:
        return path, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UsageError(f"--set {text}: the value is not valid YAML") from error


def _nest(path: KeyPath, value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _validate(data: dict[str, Any], models: Mapping[str, type[Settings]], source: Source) -> Config:
    sections = data.get("scenarios") or {}
    if not isinstance(sections, dict):
        raise UsageError(f"{source.place(('scenarios',))}: scenarios must map names to settings")
    for name in sections:
        if name not in models:
            path: KeyPath = ("scenarios", name)
            raise UsageError(f"{source.place(path)}: unknown scenario {name!r}{nearest(name, list(models))}")
    problems: list[Complaint] = []
    config = Config()
    try:
        config = Config.model_validate(data | {"scenarios": {}})
        problems += _beyond_types(config, models, source)
    except ValidationError as error:
        problems += complaints(error, (), Config, source.place)
    validated: dict[str, Any] = {}
    for name, model in models.items():
        try:
            validated[name] = model.model_validate(sections.get(name) or {})
        except ValidationError as error:
            problems += complaints(error, ("scenarios", name), model, source.place)
    if problems:
        raise WrongSettings(problems)
    return config.model_copy(update={"scenarios": validated})


def _beyond_types(config: Config, models: Mapping[str, type[Settings]], source: Source) -> Iterator[Complaint]:
    """What a type can't say: gates are about scenarios that there are, and a year has twelve months."""
    for index, gate in enumerate(config.gates):
        scenario = parse(gate).selector.scenario
        if scenario not in models:
            path: KeyPath = ("gates", index)
            sentence = f"gates.{index} is about unknown scenario {scenario!r}{nearest(scenario, list(models))}"
            yield Complaint(path=path, place=source.place(path), sentence=sentence)
    for month in config.months:
        if not 1 <= month <= 12:
            where: KeyPath = ("months",)
            yield Complaint(path=where, place=source.place(where), sentence=f"months must be 1 to 12, got {month}")
