"""The template as a Mermaid diagram: which tier a resource is in, and whose security group admits whom on which port. Pure.

Everything is read from the template, so that the picture can't tell of a rule that isn't there: tiers are route tables, boxes
are security groups, arrows are their ingress rules.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from harness.aws.template import Template
from harness.aws.template_rules import admitted, each_of, group_of, resources_of

_GROUPS_IN = ("VPCSecurityGroups", "VpcSecurityGroupIds", "SecurityGroupIds")
_SUBNETS_IN = ("SubnetIds", "VpcSubnetIds", "VPCZoneIdentifier")
_SUBNET_GROUPS_IN = ("DBSubnetGroupName", "CacheSubnetGroupName")
_OUTSIDE = {
    "s3": "AWS::S3::Bucket",
    "dynamodb": "AWS::DynamoDB::Table",
    "secretsmanager": "AWS::SecretsManager::Secret",
}
_ENDPOINT = "AWS::EC2::VPCEndpoint"


def mermaid(template: Template) -> str:
    """The diagram's text; what stands after *if* is the condition under which a resource is there."""
    lines = [
        "flowchart LR",
        '  you(["dbharness aws"])',
        f'  subgraph Vpc ["VPC {_cidr(template)}, no way in or out but these endpoints"]',
    ]
    placed = _placed(template)
    for tier, boxes in placed.items():
        lines.append(f'    subgraph {tier} ["{tier}: private subnets"]')
        for group, names in boxes.items():
            lines.append(
                f'      subgraph {group} ["{group}{_when(template, group, ", ")}"]' if group else "      %% by route"
            )
            lines += [f"        {_node(template, name)}" for name in names]
            lines += ["      end"] if group else []
        lines.append("    end")
    lines.append("  end")
    outside = [name for kind in _OUTSIDE.values() for name, _ in resources_of(template, kind)]
    lines += [f"  {_node(template, name)}" for name in outside]
    lines += [
        f"  {edge}" for edge in (*_ingress_edges(template), *_second_groups(template), *_endpoint_edges(template))
    ]
    return "\n".join(lines) + "\n"


def _placed(template: Template) -> Mapping[str, Mapping[str, list[str]]]:
    """Names by the route table of their subnets, then by their first security group ("" for none)."""
    tiers = {
        link["Properties"]["SubnetId"]["Ref"]: link["Properties"]["RouteTableId"]["Ref"]
        for _, link in resources_of(template, "AWS::EC2::SubnetRouteTableAssociation")
    }
    placed: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, resource in template.resources.items():
        groups = _groups(template, resource)
        if resource["Type"] == _ENDPOINT and not groups:
            placed[resource["Properties"]["RouteTableIds"][0]["Ref"]][""].append(name)
        elif groups and (found := sorted({tiers[subnet] for subnet in _subnets(template, resource)})):
            placed[found[0]][groups[0]].append(name)
    return placed


def _groups(template: Template, resource: Mapping[str, Any]) -> list[str]:
    """The security groups of a resource; an auto-scaling group's are in its launch template."""
    properties = resource["Properties"]
    if resource["Type"] == "AWS::AutoScaling::AutoScalingGroup":
        launched = template.resources[properties["LaunchTemplate"]["LaunchTemplateId"]["Ref"]]
        found = launched["Properties"]["LaunchTemplateData"]["NetworkInterfaces"][0]["Groups"]
    else:
        found = next((properties[setting] for setting in _GROUPS_IN if setting in properties), None)
    return [group for each in each_of(template, found) if (group := group_of(each))]


def _subnets(template: Template, resource: Mapping[str, Any]) -> Iterator[str]:
    """The subnets of a resource, its own or its subnet group's."""
    properties = resource["Properties"]
    for setting in _SUBNETS_IN:
        yield from (subnet["Ref"] for subnet in each_of(template, properties.get(setting)))
    for setting in _SUBNET_GROUPS_IN:
        if setting in properties:
            yield from _subnets(template, template.resources[properties[setting]["Ref"]])


def _ingress_edges(template: Template) -> Iterator[str]:
    """One arrow from a group to another, with all ports; Mermaid draws none from a box to itself: from its first member, then."""
    ports: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, _ in resources_of(template, "AWS::EC2::SecurityGroup"):
        for rule in admitted(template, name):
            source, to = str(group_of(rule.get("SourceSecurityGroupId"))), name
            if source == name:
                source = to = next(
                    one for one, each in template.resources.items() if _groups(template, each)[:1] == [name]
                )
            ports[source, to].append(f"{rule['IpProtocol']} {rule['FromPort']}")
    yield from (f"{source} -->|{', '.join(names)}| {to}" for (source, to), names in ports.items())


def _second_groups(template: Template) -> Iterator[str]:
    """What is drawn in its first group's box belongs to the others too."""
    for name, resource in template.resources.items():
        for group in _groups(template, resource)[1:]:
            yield f"{name} -.-|is one of| {group}"


def _endpoint_edges(template: Template) -> Iterator[str]:
    """From an endpoint to what of the stack is behind it; by SSM's a command comes in."""
    for name, resource in resources_of(template, _ENDPOINT):
        service = resource["Properties"]["ServiceName"]["Fn::Sub"].rpartition(".")[2]
        if service in _OUTSIDE:
            yield from (f"{name} --> {behind}" for behind, _ in resources_of(template, _OUTSIDE[service]))
        elif service == "ssm":
            yield f"you -->|commands| {name}"


def _node(template: Template, name: str) -> str:
    kind = template.resources[name]["Type"].removeprefix("AWS::").replace("::", " ")
    return f"{name}[{json.dumps(f'{name}<br/>{kind}{_when(template, name)}')}]"


def _when(template: Template, name: str, between: str = "<br/>") -> str:
    condition = template.resources[name].get("Condition")
    return f"{between}if {condition}" if condition else ""


def _cidr(template: Template) -> str:
    return str(template.resources["Vpc"]["Properties"]["CidrBlock"])
