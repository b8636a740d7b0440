"""Is the template as a careful team would have it (D8)? Rules of our own over what any stack made of it could be; no I/O.

A setting passes if it does in every stack that the template can make: each branch of ``Fn::If`` counts, and of a parameter every
value that it allows. What a rule can't tell doesn't pass.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from harness.aws.posture import Check
from harness.aws.template import Parameter, Template

STACK_TAGS: Final = ("dbharness", "dbharness-expires")
TAGGED_BY: Final[Mapping[str, str | None]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::AutoScaling::AutoScalingGroup", "AWS::DynamoDB::Table",
                "AWS::EC2::RouteTable", "AWS::EC2::SecurityGroup", "AWS::EC2::Subnet", "AWS::EC2::VPC", "AWS::EC2::VPCEndpoint",
                "AWS::ElastiCache::ParameterGroup", "AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::SubnetGroup",
                "AWS::IAM::Role", "AWS::Logs::LogGroup", "AWS::RDS::DBCluster", "AWS::RDS::DBClusterParameterGroup", "AWS::RDS::DBInstance",
                "AWS::RDS::DBParameterGroup", "AWS::RDS::DBProxy", "AWS::RDS::DBProxyTargetGroup", "AWS::RDS::DBSubnetGroup",
                "AWS::S3::Bucket", "AWS::SecretsManager::Secret",
            ),
            "Tags",
        ),
        "AWS::EC2::LaunchTemplate": "TagSpecifications",
        **dict.fromkeys(
            (
                "AWS::ApplicationAutoScaling::ScalingPolicy", "AWS::EC2::SecurityGroupIngress",
                "AWS::EC2::SubnetRouteTableAssociation", "AWS::IAM::InstanceProfile", "AWS::IAM::Policy", "AWS::S3::BucketPolicy",
            )
        ),
    }
)  # fmt: skip
"""The property that holds a type's tags, None for a type that CloudFormation can't tag; a test holds it against its own schemas."""

_SQL: Final = ("AWS::RDS::DBInstance", "AWS::RDS::DBCluster")
_CACHE: Final = "AWS::ElastiCache::ReplicationGroup"
_WAYS_OUT: Final = (
    "AWS::EC2::InternetGateway", "AWS::EC2::VPCGatewayAttachment", "AWS::EC2::EgressOnlyInternetGateway", "AWS::EC2::NatGateway",
    "AWS::EC2::EIP", "AWS::EC2::Route", "AWS::EC2::VPCPeeringConnection", "AWS::EC2::TransitGatewayAttachment",
)  # fmt: skip
_ADDRESSES: Final = {"CidrIp", "CidrIpv6", "SourcePrefixListId"}
_PORTS: Final = {"mysql": 3306, "postgres": 5432}
_GROUPS_IN: Final = {
    "AWS::RDS::DBInstance": "VPCSecurityGroups",
    "AWS::RDS::DBCluster": "VpcSecurityGroupIds",
    _CACHE: "SecurityGroupIds",
}


def checks(template: Template) -> tuple[Check, ...]:
    """Every check of the template, rule by rule."""
    rules = (
        _not_public, _sources_are_groups, _own_port_alone, _encrypted, _passwords_kept, _backed_up, _no_way_out, _closed_bucket,
        _generators, _tagged,
    )  # fmt: skip
    return tuple(check for rule in rules for check in rule(template))


def violations(template: Template) -> tuple[Check, ...]:
    """The checks that fail; none for a template that may be deployed."""
    return tuple(check for check in checks(template) if not check.passed)


def _not_public(template: Template) -> Iterator[Check]:
    """A database without a public address."""
    for name, resource in resources_of(template, *_SQL):
        yield _always(template, name, resource, "PubliclyAccessible", False)


def _sources_are_groups(template: Template) -> Iterator[Check]:
    """Nobody is let in by address: what a group admits is another group of the template."""
    for name, _ in resources_of(template, "AWS::EC2::SecurityGroup"):
        for rule in admitted(template, name):
            source = group_of(rule.get("SourceSecurityGroupId"))
            right = source in template.resources and not _ADDRESSES & rule.keys()
            yield _check(name, "ingress", "from a security group of the stack", source if right else _said(rule), right)
    for name, rule in resources_of(template, "AWS::EC2::SecurityGroupIngress"):
        group = group_of(rule["Properties"].get("GroupId"))
        yield _check(name, "GroupId", "a security group of the stack", group, group in template.resources)


def _own_port_alone(template: Template) -> Iterator[Check]:
    """A database admits the application tier's group on its own port, and nobody else anywhere."""
    tier = _application_tier(template)
    for name, resource in resources_of(template, *_GROUPS_IN):
        port = 6379 if resource["Type"] == _CACHE else _PORTS.get(resource["Properties"].get("Engine", ""))
        port = resource["Properties"].get("Port", port)
        setting = _GROUPS_IN[resource["Type"]]
        groups = [group_of(each) for each in each_of(template, resource["Properties"].get(setting))]
        known = bool(groups) and all(group in template.resources for group in groups)
        yield _check(name, setting, "security groups of the stack", ", ".join(map(str, groups)) or "none", known)
        for rule in (rule for group in groups for rule in admitted(template, group)):
            source = group_of(rule.get("SourceSecurityGroupId"))
            ports = (rule.get("FromPort"), rule.get("ToPort"))
            right = source in tier and ports == (port, port) and rule.get("IpProtocol") == "tcp"
            found = f"{source or _said(rule)}, {rule.get('IpProtocol')} {ports[0]} to {ports[1]}"
            yield _check(name, "admits", f"{', '.join(sorted(tier)) or 'no tier known'}, tcp {port}", found, right)


def _encrypted(template: Template) -> Iterator[Check]:
    """At rest and on the way."""
    for name, resource in resources_of(template, *_SQL):
        yield _always(template, name, resource, "StorageEncrypted", True)
    for name, resource in resources_of(template, _CACHE):
        for setting in ("AtRestEncryptionEnabled", "TransitEncryptionEnabled"):
            yield _always(template, name, resource, setting, True)
        yield _always(template, name, resource, "TransitEncryptionMode", "required")
    for name, resource in resources_of(template, "AWS::RDS::DBProxy"):
        yield _always(template, name, resource, "RequireTLS", True)
    for name, resource in resources_of(template, "AWS::RDS::DBParameterGroup", "AWS::RDS::DBClusterParameterGroup"):
        family = str(resource["Properties"].get("Family", ""))
        switch = "require_secure_transport" if family.startswith("mysql") else "rds.force_ssl"
        found = resource["Properties"].get("Parameters", {}).get(switch)
        yield _check(name, switch, "1", found, found == "1")
    for name, resource in resources_of(template, "AWS::EC2::LaunchTemplate"):
        for mapping in resource["Properties"]["LaunchTemplateData"].get("BlockDeviceMappings") or [{}]:
            found = mapping.get("Ebs", {}).get("Encrypted")
            yield _check(name, f"volume {mapping.get('DeviceName')}: Encrypted", "true", found, found is True)
    for name, resource in resources_of(template, "AWS::S3::Bucket"):
        found = resource["Properties"].get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration")
        yield _check(name, "BucketEncryption", "a rule", found, bool(found))


def _passwords_kept(template: Template) -> Iterator[Check]:
    """Passwords are Secrets Manager's, and nowhere in the template."""
    for name, resource in resources_of(template, *_SQL):
        yield _always(template, name, resource, "ManageMasterUserPassword", True)
        given = resource["Properties"].get("MasterUserPassword")
        yield _check(name, "MasterUserPassword", "none", "given" if given else None, given is None)
    for name, resource in resources_of(template, _CACHE):
        found = resource["Properties"].get("AuthToken")
        kept = isinstance(found, dict) and str(found.get("Fn::Sub", "")).startswith("{{resolve:secretsmanager:")
        yield _check(name, "AuthToken", "a reference to a secret", "one" if kept else "something else", kept)


def _backed_up(template: Template) -> Iterator[Check]:
    """Automated backups; point-in-time recovery of tables. A cache isn't backed up: what it holds is elsewhere."""
    for name, resource in resources_of(template, *_SQL):
        values = _possible(template, resource["Properties"].get("BackupRetentionPeriod"))
        kept = all(_least(value) >= 1 for value in values)
        yield _check(name, "BackupRetentionPeriod", "1 day or more", ", ".join(map(_said, values)), kept)
    for name, resource in resources_of(template, "AWS::DynamoDB::Table"):
        found = resource["Properties"].get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled")
        yield _check(name, "PointInTimeRecoveryEnabled", "true", found, found is True)


def _no_way_out(template: Template) -> Iterator[Check]:
    """Private subnets alone: no gateway, no route that somebody wrote, no public address."""
    found = [name for name, _ in resources_of(template, *_WAYS_OUT)]
    yield _check("Vpc", "gateways and routes", "none but endpoints", ", ".join(found) or "none", not found)
    for name, resource in resources_of(template, "AWS::EC2::Subnet"):
        yield _always(template, name, resource, "MapPublicIpOnLaunch", False)
    for name, resource in resources_of(template, "AWS::RDS::DBSubnetGroup", "AWS::ElastiCache::SubnetGroup"):
        listed = each_of(template, resource["Properties"].get("SubnetIds"))
        subnets = [str(each["Ref"] if isinstance(each, dict) and "Ref" in each else each) for each in listed]
        own = bool(subnets) and all(
            template.resources.get(each, {}).get("Type") == "AWS::EC2::Subnet" for each in subnets
        )
        yield _check(name, "SubnetIds", "subnets of the stack", ", ".join(dict.fromkeys(subnets)) or "none", own)


def _closed_bucket(template: Template) -> Iterator[Check]:
    """Nothing in a bucket can be made public."""
    for name, resource in resources_of(template, "AWS::S3::Bucket"):
        blocks = resource["Properties"].get("PublicAccessBlockConfiguration", {})
        for block in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"):
            yield _check(name, block, "true", blocks.get(block), blocks.get(block) is True)


def _generators(template: Template) -> Iterator[Check]:
    """Load generators are reached by SSM alone, and their role's credentials by them alone."""
    for name, resource in resources_of(template, "AWS::EC2::LaunchTemplate"):
        data = resource["Properties"]["LaunchTemplateData"]
        yield _check(name, "KeyName", "none", data.get("KeyName"), data.get("KeyName") is None)
        tokens = data.get("MetadataOptions", {}).get("HttpTokens")
        yield _check(name, "HttpTokens", "required", tokens, tokens == "required")
        for interface in data.get("NetworkInterfaces") or [{}]:
            public = interface.get("AssociatePublicIpAddress")
            yield _check(name, "AssociatePublicIpAddress", "false", public, public is False)


def _tagged(template: Template) -> Iterator[Check]:
    """Everything that can carry tags carries the stack's name and when it expires."""
    expected = f"{STACK_TAGS[0]} = the stack's name, {STACK_TAGS[1]} = ExpiresAt"
    for name, resource in template.resources.items():
        if resource["Type"] not in TAGGED_BY:
            yield _check(name, "Type", "one whose tags the rule knows", resource["Type"], False)
            continue
        setting = TAGGED_BY[resource["Type"]]
        for where, tags in _tag_lists(resource, setting):
            found = {tag["Key"]: tag["Value"] for tag in tags}
            right = found.get(STACK_TAGS[0]) == {"Ref": "AWS::StackName"} and found.get(STACK_TAGS[1]) == {
                "Ref": "ExpiresAt"
            }
            yield _check(name, where, expected, ", ".join(found) or "none", right)


def _tag_lists(resource: Mapping[str, Any], setting: str | None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Where a resource has tags, and which: a launch template its own, and those of what is launched from it."""
    if setting == "Tags":
        yield "Tags", resource["Properties"].get("Tags", [])
    elif setting == "TagSpecifications":
        own, launched = resource["Properties"], resource["Properties"]["LaunchTemplateData"]
        for place, kinds in ((own, ("launch-template",)), (launched, ("instance", "volume", "network-interface"))):
            by_kind = {each["ResourceType"]: each["Tags"] for each in place.get("TagSpecifications", ())}
            for kind in kinds:
                yield f"Tags of {kind}", by_kind.get(kind, [])


def resources_of(template: Template, *types: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """The template's resources of those types, by name."""
    return [(name, resource) for name, resource in template.resources.items() if resource["Type"] in types]


def _always(template: Template, name: str, resource: Mapping[str, Any], setting: str, wanted: bool | str) -> Check:
    """The setting has that value in every stack; left out, it hasn't."""
    values = _possible(template, resource["Properties"].get(setting))
    found = ", ".join(map(_said, values))
    return _check(
        name, setting, _said(wanted), found, all(type(value) is type(wanted) and value == wanted for value in values)
    )


def _check(subject: str, setting: str, expected: str, found: Any, passed: bool) -> Check:
    return Check(subject=subject, setting=setting, expected=expected, found=_said(found), passed=passed)


def _possible(template: Template, value: Any) -> list[Any]:
    """What a value may become: branches of Fn::If each, a parameter as what the template says of it, nothing as None."""
    if isinstance(value, dict) and "Fn::If" in value:
        _, one, other = value["Fn::If"]
        return [*_possible(template, one), *_possible(template, other)]
    if isinstance(value, dict) and value.get("Ref") == "AWS::NoValue":
        return [None]
    if isinstance(value, dict) and value.get("Ref") in template.parameters:
        return [template.parameters[value["Ref"]]]
    return [value]


def each_of(template: Template, value: Any) -> list[Any]:
    """All elements that a list may have."""
    return [
        possible
        for whole in _possible(template, value)
        for element in (whole if isinstance(whole, list) else [])
        for possible in _possible(template, element)
        if possible is not None
    ]


def _least(value: Any) -> int:
    """The least that a number may be; none is 0."""
    if isinstance(value, Parameter):
        return value.least or 0
    return value if isinstance(value, int) else 0


def group_of(value: Any) -> str | None:
    """The logical name of the security group that a value refers to."""
    if isinstance(value, dict) and "Fn::GetAtt" in value and value["Fn::GetAtt"][1] == "GroupId":
        return str(value["Fn::GetAtt"][0])
    return value.get("Ref") if isinstance(value, dict) else None


def admitted(template: Template, group: str | None) -> list[Mapping[str, Any]]:
    """What a security group lets in: its own rules, and those that stand beside it."""
    if group is None or group not in template.resources:
        return []
    own = each_of(template, template.resources[group]["Properties"].get("SecurityGroupIngress"))
    beside = (rule["Properties"] for _, rule in resources_of(template, "AWS::EC2::SecurityGroupIngress"))
    return [*own, *(rule for rule in beside if group_of(rule.get("GroupId")) == group)]


def _application_tier(template: Template) -> frozenset[str]:
    """The security groups that load generators have."""
    interfaces = (
        interface
        for _, resource in resources_of(template, "AWS::EC2::LaunchTemplate")
        for interface in resource["Properties"]["LaunchTemplateData"].get("NetworkInterfaces", ())
    )
    groups = (group_of(each) for interface in interfaces for each in each_of(template, interface.get("Groups")))
    return frozenset(group for group in groups if group)


def _said(value: Any) -> str:
    """A value for people."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case Parameter():
            return f"parameter {value.name}" + (f" ≥ {value.least}" if value.least is not None else "")
        case {"CidrIp": source} | {"CidrIpv6": source} | {"SourcePrefixListId": source}:
            return str(source)
    return str(value)
