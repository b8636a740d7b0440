"""`dbharness aws up`, `check`, `down` and `sweep`: the stack made, looked at and taken down again."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from harness import config as configuration
from harness import plan_output
from harness.aws import agreement, check_output, cli_estimate, template, template_rules
from harness.aws.api import Pace
from harness.aws.calls import BEGINS
from harness.aws.cli_parts import CredentialsOption, EndpointOption, RegionOption, tell
from harness.aws.deploy import Order, up
from harness.aws.deployment import PROFILE_OF, STACKS, Parameters, Size
from harness.aws.gateway import Aws, is_stand_in
from harness.aws.leftovers import Thing
from harness.aws.planned import scenario_models
from harness.aws.posture import Check, checks
from harness.aws.posture_answers import gather, wanted
from harness.aws.safety import looks_like_production
from harness.aws.stacks import Stack, StackRefused, find, owned
from harness.aws.teardown import TakenDown, down, expired
from harness.cli_shared import CONFIG, ConfigOption, JsonOption, out, print_json, say
from harness.config import AwsSettings, Config
from harness.errors import HarnessError, UsageError

MOST_HOURS = 168.0
SCHEMA = 1  # of what --json prints: members may be added

Name = Annotated[str, typer.Argument(metavar="STACK", help="The stack's name, such as dbharness-anna.")]
SizeOption = Annotated[
    str, typer.Option("--for", help="How large: quick, standard, or full, which is a stack for each topology.")
]
ParameterOption = Annotated[
    list[str] | None,
    typer.Option("--parameter", metavar="NAME=VALUE", help="A parameter of the stack (docs/aws-stack.md); repeatable."),
]
HoursOption = Annotated[float, typer.Option(help="Hours from now until `sweep` may take it down.")]
ProlongOption = Annotated[bool, typer.Option("--prolong", help="Give a stack that stands already its new expiry, too.")]
MaxUsdOption = Annotated[float | None, typer.Option(help="Refuse what costs more than this until it expires.")]
AgreedOption = Annotated[
    bool, typer.Option("--yes", help="Don't ask before money is spent; on AWS it wants --max-usd.")
]
ReplaceDataOption = Annotated[
    bool,
    typer.Option("--replace-data", help="Allow an update that replaces a database, table or cache; its data is lost."),
]
TemplateOption = Annotated[
    Path | None, typer.Option("--template", metavar="FILE", help="A template of your own with the same parameters.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask before anything is deleted.")]
KeepSnapshots = Annotated[bool, typer.Option("--keep-snapshots", help="Snapshots stay; without it they go too.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where AWS is asked, and as whom."""

    region: str
    endpoint_url: str | None
    profile: str | None

    def aws(self, stack: str) -> Aws:
        """The gateway for one stack."""
        return Aws(self.region, stack=stack, endpoint_url=self.endpoint_url, profile=self.profile)

    @property
    def paid(self) -> bool:
        """A stand-in costs nothing."""
        return not is_stand_in(self.endpoint_url)

    @property
    def pace(self) -> Pace:
        """A stand-in is fast."""
        return Pace() if self.paid else Pace(poll_s=0.1, patience_s=120, tag_patience_s=2)


def register(app: typer.Typer) -> None:
    """Mount the four commands."""
    for name, command in (("up", _up), ("check", _check), ("down", _down), ("sweep", _sweep)):
        app.command(name)(command)


def _up(
    name: Name,
    size: SizeOption = "quick",
    parameters: ParameterOption = None,
    hours: HoursOption = 8.0,
    prolong: ProlongOption = False,
    max_usd: MaxUsdOption = None,
    yes: AgreedOption = False,
    replace_data: ReplaceDataOption = False,
    template_file: TemplateOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    region: RegionOption = None,
    endpoint: EndpointOption = None,
    aws_profile: CredentialsOption = None,
) -> None:
    """Make the stack, go on with it, or change it; shows what it costs, and asks."""
    chosen = _size(size)
    settled = _config(config, region, profile=PROFILE_OF[chosen])
    place = _place(settled, endpoint, aws_profile)
    if not 0 < hours <= MOST_HOURS:
        raise UsageError(f"--hours must be above 0 and {MOST_HOURS:g} at most, got {hours:g}")
    if yes and place.paid and max_usd is None:
        raise UsageError("--yes on AWS wants --max-usd too: what nobody is asked about needs a limit")
    stacks = [{**stack, **_values(parameters or ())} for stack in STACKS[chosen]]
    expires = datetime.now(UTC) + timedelta(hours=hours)
    body = _read(template_file) if template_file else template.body()
    orders = [
        Order(
            name=stack, template=body, expires=expires, prolong=prolong, replace_data=replace_data,
            parameters=template.stack_parameters({**given, "ExpiresAt": f"{expires:%Y-%m-%dT%H:%M:%SZ}"}),
        )
        for stack, given in _named(name, stacks)
    ]  # fmt: skip
    costs = cli_estimate.for_stacks(stacks, settled, sheet=cli_estimate.file_sheet(settled))
    for line in agreement.said(chosen, costs, hours):
        tell(line)
    if max_usd is not None:
        agreement.affordable(costs, hours, max_usd, time.monotonic_ns)
    _make(place, orders, asking(yes), as_json=as_json)


def _make(place: Place, orders: Sequence[Order], asking: agreement.Asking, *, as_json: bool) -> None:
    """One stack after the other, and where each has what."""
    made: dict[str, dict[str, str]] = {}
    for order in orders:
        stood = up(place.aws(order.name), order, agree=asking.agree, pace=place.pace, progress=tell)
        made[order.name] = dict(sorted(stood.outputs.items()))
        if not as_json:
            say(f"{output:30} {value}" for output, value in made[order.name].items())
            say([f"stack {order.name} is up; dbharness aws down {order.name} takes it down"])
    if as_json:
        print_json({"schema": SCHEMA, "region": place.region, "stacks": made})


def _check(
    name: Annotated[
        str | None, typer.Argument(metavar="[STACK]", help="The stack's name, such as dbharness-anna.")
    ] = None,
    of_template: Annotated[
        bool, typer.Option("--template", help="Check our template instead, which asks nobody.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    region: RegionOption = None,
    endpoint: EndpointOption = None,
    aws_profile: CredentialsOption = None,
) -> None:
    """Is it as a careful team would have it? A table of pass and fail; exit 1 where something fails."""
    if (name is None) != of_template:
        raise UsageError("check a STACK, or --template")
    made: Sequence[Check]
    if name is None:
        made, of = template_rules.checks(template.load()), "the template"
    else:
        aws = _place(_config(config, region), endpoint, aws_profile).aws(name)
        made, of = checks(gather(aws, name), wanted(_standing(find(aws, name), name))), name
    if as_json:
        print_json(check_output.as_record(of, made))
    else:
        plan_output.show((), (check_output.table(made),), (check_output.sentence(of, made),), out)
    if not all(check.passed for check in made):
        raise typer.Exit(1)


def _down(
    name: Name,
    keep_snapshots: KeepSnapshots = False,
    yes: Yes = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    region: RegionOption = None,
    endpoint: EndpointOption = None,
    aws_profile: CredentialsOption = None,
) -> None:
    """Delete everything of a stack, and list what still carries its tag; exit 1 if anything does that shouldn't."""
    template.check_stack_name(name)
    place = _place(_config(config, region), endpoint, aws_profile)
    stood = find(place.aws(name), name)
    found = _taken_down(place, name, keep_snapshots, asking(yes))
    parts = _parts(place, name) if stood is None else []
    if as_json:
        print_json({"schema": SCHEMA, **_record(name, found), "stacks": parts})
    else:
        say(_lines(place, name, found))
        say(f"STILL THERE: stack {part}, of {name}: dbharness aws down {part}" for part in parts)
    if found.left or parts:
        raise typer.Exit(1)


def _sweep(
    keep_snapshots: KeepSnapshots = False,
    yes: Yes = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    region: RegionOption = None,
    endpoint: EndpointOption = None,
    aws_profile: CredentialsOption = None,
) -> None:
    """Take down every stack whose expiry is past, and what is left of such stacks; asks about each."""
    place = _place(_config(config, region), endpoint, aws_profile)
    over, failed, records = expired(place.aws(""), datetime.now(UTC)), 0, []
    announce = tell if as_json else _announce
    for each in over:
        what = f"stack {each.name}" if each.standing else f"what is left of stack {each.name}"
        announce(f"{what} expired {each.expires:%Y-%m-%d %H:%M} UTC")
    if not over:
        announce("nothing has expired")
    for each in over:
        if each.name not in {one.name for one in expired(place.aws(""), datetime.now(UTC))}:
            tell(f"{each.name}: was prolonged, or went, meanwhile; it is left alone")
            continue
        try:
            found = _taken_down(place, each.name, keep_snapshots, asking(yes))
        except HarnessError as error:  # the others are swept all the same
            tell(f"{each.name}: {error}")
            failed += 1
            records.append({"stack": each.name, "error": str(error)})
            continue
        failed += bool(found.left)
        records.append(_record(each.name, found))
        if not as_json:
            say(_lines(place, each.name, found))
    if as_json:
        print_json({"schema": SCHEMA, "swept": records})
    if failed:
        raise typer.Exit(1)


def _taken_down(place: Place, name: str, keep_snapshots: bool, asking: agreement.Asking) -> TakenDown:
    return down(
        place.aws(name), name, keep_snapshots=keep_snapshots, agree=asking.agree, pace=place.pace, progress=tell
    )


def _lines(place: Place, name: str, found: TakenDown) -> Iterator[str]:
    """What is still there of a stack that was taken down."""
    for word, things in (("kept", found.kept), ("STILL THERE", found.left)):
        yield from (f"{word}: {_said(thing)}" for thing in things)
    if not found.left:
        yield f"nothing{' else' if found.kept else ''} carries dbharness={name} in {place.region}"


def _record(name: str, found: TakenDown) -> dict[str, Any]:
    """The same for programs."""
    return {"stack": name, "kept": [asdict(one) for one in found.kept], "left": [asdict(one) for one in found.left]}


def _announce(line: str) -> None:
    say([line])


def _said(thing: Thing) -> str:
    return f"{thing.kind} {thing.id} ({thing.arn})"


def _standing(stack: Stack | None, name: str) -> Stack:
    if stack is None:
        raise StackRefused(f"no stack {name}; `dbharness aws up {name}` makes one")
    return owned(stack)


def _config(path: Path, region: str | None, profile: str | None = None) -> Config:
    """The configuration; its region is the one that is asked, whose prices are meant too."""
    config = configuration.load(path, scenario_models(), profile=profile)
    own = config.aws or AwsSettings()
    return config.model_copy(update={"region": region or own.region or config.region})


def _place(config: Config, endpoint: str | None, aws_profile: str | None) -> Place:
    """By the command line, else by section ``aws`` of the configuration."""
    own = config.aws or AwsSettings()
    return Place(region=config.region, endpoint_url=endpoint or own.endpoint_url, profile=aws_profile or own.profile)


def _size(name: str) -> Size:
    for size in STACKS:
        if size == name:
            return size
    raise UsageError(f"--for {name}: expected {', '.join(STACKS)}")


def _values(given: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE each; whether there is such a parameter, the template says."""
    found = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise UsageError(f"--parameter {one}: expected NAME=VALUE")
        found[name] = value
    return found


def _named(name: str, stacks: Sequence[Parameters]) -> Iterator[tuple[str, Mapping[str, str | int]]]:
    """One stack has the name itself; several have the topology of their databases behind it."""
    if not name.startswith(BEGINS):
        raise UsageError(f"stack {name!r}: expected a name that begins with {BEGINS}: permissions go by it")
    for stack in stacks:
        suffix = _suffix(stack) if len(stacks) > 1 else ""
        if looks_like_production(name):
            raise UsageError(f"stack {name!r} looks like production: `down` would refuse it; take another name")
        yield template.check_stack_name(f"{name}{suffix}"), stack


def _suffix(stack: Parameters) -> str:
    return f"-{stack['MySqlTopology']}".replace("_", "-")


def _parts(place: Place, name: str) -> list[str]:
    """The stacks of ours that stand of one that was made ``--for full``: they have the name and more."""
    looked_for = [f"{name}{_suffix(each)}" for each in STACKS["full"]]
    return [each for each in looked_for if (stack := find(place.aws(each), each)) is not None and stack.ours]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise UsageError(f"--template {path}: {error.strerror}; name a readable file") from error


def asking(yes: bool) -> agreement.Asking:
    """Asks on the terminal, unless it was agreed to in advance."""
    return agreement.Asking(yes=yes, ask=_ask)


def _ask(question: str) -> bool | None:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:  # the end of the input
        return None
