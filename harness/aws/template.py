"""The stack's template: read, made small enough to send, and asked what it takes. Pure but for reading the file."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from harness.errors import UsageError

TEMPLATE: Final = Path(__file__).with_name("stack.yaml")
LARGEST_BODY_BYTES: Final = 51_200
"""CreateStack takes no larger TemplateBody (botocore's model of it says so)."""
LARGEST_STACK_NAME: Final = 40
"""Names made of the stack's are a little longer, and a DB proxy's has at most 63 characters."""
_WITH_DISKS: Final = re.compile(
    r"db\.[a-z]+\d+[a-z]*d[a-z]*\.\w+"
)  # db.m6gd.large, db.x2iedn.xlarge: their letters have a d


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What the template says of one parameter; ``default`` is None where it must be given."""

    name: str
    description: str
    default: str | None
    allowed: tuple[str, ...]
    pattern: str | None
    least: int | None
    most: int | None
    number: bool

    def fault(self, value: str) -> str | None:
        """What is wrong with a value, or None: what CloudFormation would check, before it is asked."""
        if self.allowed and value not in self.allowed:
            return f"expected one of {', '.join(self.allowed)}, found {value!r}"
        if self.pattern and not re.fullmatch(self.pattern, value):
            return f"expected {self.pattern}, found {value!r}"
        if not self.number:
            return None
        if not re.fullmatch(r"\d+", value):
            return f"expected a whole number, found {value!r}"
        if self.least is not None and int(value) < self.least:
            return f"expected {self.least} at least, found {value}"
        if self.most is not None and int(value) > self.most:
            return f"expected {self.most} at most, found {value}"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template as data, intrinsic functions by their long names: ``{"Ref": …}``, ``{"Fn::GetAtt": [resource, attribute]}``."""

    parameters: Mapping[str, Parameter]
    conditions: Mapping[str, Any] = field(repr=False)
    resources: Mapping[str, Mapping[str, Any]] = field(repr=False)
    outputs: Mapping[str, Mapping[str, Any]] = field(repr=False)


def load(text: str | None = None) -> Template:
    """The template of that text, or the one that comes with dbharness."""
    document = _Loader(TEMPLATE.read_text() if text is None else text).get_single_data()
    return Template(
        parameters={name: _parameter(name, said) for name, said in document["Parameters"].items()},
        conditions=document.get("Conditions", {}),
        resources=document["Resources"],
        outputs=document.get("Outputs", {}),
    )


def body() -> str:
    """The template as it is sent: the same YAML without comments and indentation, which alone would go over the limit."""
    root = yaml.compose(TEMPLATE.read_text(), yaml.SafeLoader)
    _in_flow_style(root)
    return str(yaml.serialize(root, width=1 << 30, allow_unicode=True))


def stack_parameters(asked: Mapping[str, str | int]) -> dict[str, str]:
    """Every parameter of the template as CloudFormation takes it: what was asked for, else the default.

    Raises UsageError for a name that isn't one, one that is missing, a value that isn't allowed, and values that don't go together.
    """
    template = load()
    if unknown := [name for name in asked if name not in template.parameters]:
        near = difflib.get_close_matches(unknown[0], template.parameters, n=1)
        also = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(template.parameters)}"
        raise UsageError(f"the stack has no parameter {unknown[0]}{also}")
    chosen: dict[str, str] = {}
    for name, parameter in template.parameters.items():
        value = str(asked[name]) if name in asked else parameter.default
        if value is None:
            raise UsageError(f"the stack's parameter {name} must be given: {parameter.description}")
        if fault := parameter.fault(value):
            raise UsageError(f"the stack's parameter {name}: {fault}")
        chosen[name] = value
    for name, fault in _together(chosen):
        raise UsageError(f"the stack's parameter {name}: {fault}")
    return chosen


def check_stack_name(name: str) -> str:
    """The name, if resources can be named after it: lower case, digits, single hyphens. Raises UsageError."""
    if len(name) <= LARGEST_STACK_NAME and re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        return name
    raise UsageError(
        f"stack {name!r}: expected lower-case letters, digits and single hyphens, a letter first, "
        f"{LARGEST_STACK_NAME} characters at most; for example dbharness-anna"
    )


def _together(chosen: Mapping[str, str]) -> list[tuple[str, str]]:
    """Values that are right each on its own, and wrong beside each other: parameter and fault."""
    topologies = {chosen["MySqlTopology"], chosen["PostgresTopology"]}
    faults = []
    if "multi_az_cluster" in topologies:
        if not _WITH_DISKS.fullmatch(chosen["SqlClusterClass"]):
            fault = f"Multi-AZ clusters exist on families with local disks, such as m6gd (D1), found {chosen['SqlClusterClass']}"
            faults.append(("SqlClusterClass", fault))
        iops, storage_gb = int(chosen["SqlClusterIops"]), int(chosen["SqlClusterStorageGb"])
        if not storage_gb <= 2 * iops <= 100 * storage_gb:
            faults.append(("SqlClusterIops", f"expected 0.5 to 50 times {storage_gb} GiB, found {iops}"))
    if chosen["SqlProxy"] == "on" and topologies == {"none"}:
        faults.append(
            ("SqlProxy", "on, but there is no database to stand in front of; set MySqlTopology or PostgresTopology")
        )
    for kind in ("Read", "Write"):
        least, most = int(chosen[f"Provisioned{kind}Units"]), int(chosen[f"ProvisionedMax{kind}Units"])
        if chosen["AutoScaling"] == "on" and most < least:
            faults.append(
                (f"ProvisionedMax{kind}Units", f"expected Provisioned{kind}Units, {least}, or more, found {most}")
            )
    return faults


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags."""


def _intrinsic(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_scalar(node)  # type: ignore[arg-type]
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def _in_flow_style(node: yaml.Node | None) -> None:
    if isinstance(node, yaml.MappingNode):
        node.flow_style = True
        for key, value in node.value:
            _in_flow_style(key)
            _in_flow_style(value)
    elif isinstance(node, yaml.SequenceNode):
        node.flow_style = True
        for value in node.value:
            _in_flow_style(value)


def _parameter(name: str, said: Mapping[str, Any]) -> Parameter:
    return Parameter(
        name=name,
        description=said.get("Description", ""),
        default=str(said["Default"]) if "Default" in said else None,
        allowed=tuple(map(str, said.get("AllowedValues", ()))),
        pattern=said.get("AllowedPattern"),
        least=said.get("MinValue"),
        most=said.get("MaxValue"),
        number=said["Type"] == "Number",
    )
