"""cfn-lint, from its own environment, over the template and over copies of it that are wrong."""

import json
import subprocess
from pathlib import Path

from harness.aws import template
from harness.aws.template_rules import TAGGED_BY
from tools import fetched, lint_stack

_SCHEMAS = """
import json, sys
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER as schemas
said = {}
for kind in sys.argv[1:]:
    schema = schemas.get_resource_schema("us-east-1", kind).schema
    by_tags = (schema.get("tagging") or {}).get("taggable")
    said[kind] = "Tags" if by_tags else "TagSpecifications" if "TagSpecifications" in schema["properties"] else None
print(json.dumps(said))
"""


def test_cfn_lint_has_nothing_to_remark() -> None:
    """Neither error, warning nor information, in both regions, of the file and of what is sent."""
    assert lint_stack.main() == 0


PLANTED = (
    ("GroupDescription: MySQL,", "GroupDescribed: MySQL,", "'GroupDescribed' was unexpected"),
    ("!GetAtt RunBucket.Arn, !Sub", "!GetAtt RunBucket.Ar, !Sub", "'Ar' is not one of"),
    ("Condition: MySqlCluster\n", "Condition: MySqlClusters\n", "'MySqlClusters' is not one of"),
    ("Default: 8.4.9", "Default: 8.4.2", "'8.4.2' is not one of"),
    ("Default: db.m6gd.large", "Default: db.m6gd.tiny", "'db.m6gd.tiny' is not one of"),
    ("Default: c6i.large", "Default: c6i.tiny", "'c6i.tiny' is not one of"),
)
"""What is right in the template, what is planted in its place, and what cfn-lint says."""


def test_cfn_lint_finds_what_is_planted(tmp_path: Path) -> None:
    """So that its silence says something: a property, an attribute, a condition; versions and classes by their defaults."""
    text = template.TEMPLATE.read_text()
    for right, wrong, _ in PLANTED:
        assert right in text
        text = text.replace(right, wrong)
    copy = tmp_path / "stack.yaml"
    copy.write_text(lint_stack.with_defaults(text))
    asked = lint_stack.command([copy], without=("W2001",))
    linted = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert linted.returncode != 0
    assert [said for _, _, said in PLANTED if said not in linted.stdout] == [], linted.stdout


def test_what_can_be_tagged_is_what_cloudformation_says() -> None:
    """CloudFormation's own schemas, as cfn-lint ships them, against the rule's table; and every type of the template is in it."""
    asked = [str(fetched.python("cfn-lint")), "-c", _SCHEMAS, *TAGGED_BY]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == dict(TAGGED_BY)
    assert {resource["Type"] for resource in template.load().resources.values()} == set(TAGGED_BY)
