"""Writes docs/aws-stack.md from the template: diagram, parameters, outputs.

`python -m harness.aws.stack_page` writes it anew; a test holds it current.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.aws import template_rules
from harness.aws.stack_diagram import mermaid
from harness.aws.template import LARGEST_BODY_BYTES, Parameter, body, load
from harness.paths import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "aws-stack.md"
_HEAD = """# The stack

Made by `python -m harness.aws.stack_page` from [the template](../harness/aws/stack.yaml). Nothing of it has been run on AWS yet: cfn-lint
{versions} finds nothing to remark on it for us-east-1 and eu-west-1, and {checks} checks of our own hold its posture (`make check`, `make test`).

Boxes are security groups, arrows what they admit, *if* the condition under which a resource is there. Databases, cache and
proxies admit the application tier's group on their own port and nobody else. No subnet has a route to the internet, in or out: load
generators are reached by SSM, and install Python from Amazon Linux's repository in S3 and the harness from the run's bucket.

```mermaid
{diagram}```

## Parameters

{parameters}

## Outputs

{outputs}

## What is left out, and why

* **Logs to CloudWatch, enhanced monitoring:** their log groups would stay behind, untagged. An RDS Proxy writes one whether or not it is
  asked to: its groups are the stack's, tagged, and go with it.
* **Snapshots of the cache:** a fork in the middle of a run would be measured as the cache's.
* **A second zone for generators:** all are in the first, so that they are alike. A single-AZ database is there too; where RDS puts a Multi-AZ
  writer and ElastiCache a primary is theirs to choose, so a trip may cross zones.
* **A final snapshot:** `DeletionPolicy` is `Delete` everywhere; who wants one takes it before `down`.
* **DynamoDB's encryption:** it is always on; the tables use the service's own key, as a table has that nobody configured.

## What only AWS can tell

* Whether RDS still offers the minor versions that are the defaults; it retires them. (cfn-lint knows both; of ElastiCache's versions and node types
  in a replication group it knows nothing.)
* Whether `require_secure_transport` and `rds.force_ssl` may be set in the parameter group of a Multi-AZ *cluster*.
* Whether an RDS Proxy works with a password that RDS manages and rotates, on MySQL 8.4 (`caching_sha2_password`).
* Whether an RDS Proxy still writes to its log group after that was deleted, which would make it anew, without our tag.
* Whether CloudFormation deletes the cache's secret at once or schedules it: scheduled, it may be listed for a while after `down`.
* Whether SSM and `dnf` need more of S3 than the endpoint's policy lets through (the run's bucket, `al2023-repos-REGION-de612dc2`).
* Whether each of the region's first zones has the instance types; `ZoneA`, `ZoneB`, `ZoneC` name others.
* How long it all takes to come up and go down.

The text that is sent has {bytes:,} bytes (comments and indentation left out), of {limit:,} that CreateStack takes.
"""


def page() -> str:
    """The page as it should be."""
    template = load()
    return _HEAD.format(
        versions=_pinned("cfn-lint"),
        checks=len(template_rules.checks(template)),
        diagram=mermaid(template),
        parameters=_table(("parameter", "what", "default", "takes"), map(_parameter, template.parameters.values())),
        outputs=_table(("output", "what", "if"), (_output(name, said) for name, said in template.outputs.items())),
        bytes=len(body().encode()),
        limit=LARGEST_BODY_BYTES,
    )


def write(path: Path = PAGE) -> None:
    """Write the page."""
    path.write_text(page())


def _pinned(name: str) -> str:
    pins = (PROJECT_ROOT / "tools" / "python" / f"{name}.txt").read_text().split()
    return dict(pin.split("==") for pin in pins)[name]


def _parameter(parameter: Parameter) -> tuple[str, str, str, str]:
    takes = " · ".join(f"`{value}`" for value in parameter.allowed)
    if parameter.number:
        takes = f"{parameter.least or 0} to {parameter.most:,}" if parameter.most else f"{parameter.least or 0} or more"
    default = "must be given" if parameter.default is None else f"`{parameter.default}`" if parameter.default else ""
    return f"`{parameter.name}`", parameter.description, default, takes


def _output(name: str, said: Mapping[str, Any]) -> tuple[str, str, str]:
    return f"`{name}`", said["Description"], said.get("Condition", "")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows))


if __name__ == "__main__":
    write()
