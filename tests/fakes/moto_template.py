"""What moto's CloudFormation can make of our template: the rest is taken out, and said."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from harness.aws import template
from tools import fetched

_KNOWN = """
import json
from moto.cloudformation import parsing
print(json.dumps(sorted(parsing.get_model_map())))
"""

PORTS = {"mysql": 3306, "postgres": 5432}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduced:
    """``body``: JSON. ``unknown``: resources of a type that moto lacks, by name; ``leaning``: what refers to those."""

    body: str
    unknown: Mapping[str, str]
    leaning: Mapping[str, str]


def types_known() -> frozenset[str]:
    """Asked of moto itself."""
    answer = subprocess.run([fetched.python("moto"), "-c", _KNOWN], check=True, capture_output=True, text=True)
    return frozenset(json.loads(answer.stdout.splitlines()[-1]))


def reduced(known: frozenset[str]) -> Reduced:
    """Our template without the resources that moto can't make, nor what refers to them."""
    document = yaml.load(template.TEMPLATE.read_text(), template._Loader)
    resources = document["Resources"]
    unknown = {name: each["Type"] for name, each in resources.items() if each["Type"] not in known}
    gone, leaning = set(unknown), dict[str, str]()
    while more := {name for name in resources if name not in gone and gone & set(_named(resources[name]))}:
        gone |= more
        leaning |= {name: resources[name]["Type"] for name in more}
    for each in resources.values():
        if each["Type"] == "AWS::RDS::DBInstance":
            _as_moto_reads(each["Properties"])
    document["Resources"] = {name: each for name, each in resources.items() if name not in gone}
    document["Outputs"] = {name: each for name, each in document["Outputs"].items() if not gone & set(_named(each))}
    return Reduced(body=json.dumps(document), unknown=unknown, leaning=leaning)


def _as_moto_reads(instance: dict[str, Any]) -> None:
    """moto takes each engine's port for 3306, knows security groups by another name than CloudFormation's, and fails on a
    parameter group: it puts the group itself where its name belongs.
    """
    instance["Port"] = PORTS[instance["Engine"]]
    instance["VpcSecurityGroupIds"] = instance.pop("VPCSecurityGroups")
    del instance["DBParameterGroupName"]


def _named(value: Any) -> Iterator[str]:
    """Every name that a piece of a template refers to."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Ref":
                yield inner
            elif key == "Fn::GetAtt":
                yield inner[0] if isinstance(inner, list) else inner.partition(".")[0]
            elif key == "Fn::Sub":
                text = inner if isinstance(inner, str) else inner[0]
                yield from (name.partition(".")[0] for name in re.findall(r"\$\{([^}!]+)\}", text))
            elif key == "DependsOn":
                yield from [inner] if isinstance(inner, str) else inner
            yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner)
