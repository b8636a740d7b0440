"""What the commands on a stack share: how it is named, with what CloudFormation says of it, and where results go."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness import config as configuration
from harness.aws.gateway import Aws
from harness.aws.outputs import with_outputs
from harness.aws.planned import scenario_models
from harness.aws.stacks import owned, stack_of
from harness.cli_shared import err
from harness.config import AwsSettings, Config
from harness.errors import UsageError

StackOption = Annotated[
    str | None,
    typer.Option("--stack", help="The stack's name, such as dbharness-anna; config.yaml's aws.stack where not given."),
]
RegionOption = Annotated[str | None, typer.Option(help="AWS's region; config.yaml's where not given.")]
EndpointOption = Annotated[
    str | None,
    typer.Option("--target-endpoint", metavar="URL", help="Ask this endpoint instead of AWS, such as moto's server."),
]
CredentialsOption = Annotated[
    str | None,
    typer.Option(
        "--aws-profile",
        metavar="NAME",
        help="Profile of credentials to use; where not given, botocore looks where it always does.",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Don't ask before money is spent.")]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="The directory of the results; a new one under runs/ where not given."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The stack that a command is about, with what CloudFormation says of it."""

    aws: Aws
    config: Config
    outputs: dict[str, str]
    parameters: dict[str, str]

    @property
    def basis(self) -> str:
        """What figures rest on: what stands in for AWS's own endpoints isn't AWS."""
        return "aws" if self.aws.at_aws else "local_model"

    @property
    def settings(self) -> AwsSettings:
        """Section ``aws`` as load generators get it: filled with outputs, with their own role's credentials."""
        own = self.config.aws or AwsSettings()
        filled = with_outputs(own, self.outputs) if self.outputs else own
        return filled.model_copy(
            update={
                "stack": self.aws.stack, "region": self.aws.region, "filled": True, "profile": None, "endpoint_url": None,
                "protected": self.parameters.get("DeletionProtection") == "true",
            }
        )  # fmt: skip


def stack_asked_for(
    file: Path, name: str | None, region: str | None, endpoint: str | None, aws_profile: str | None, *,
    profile: str | None = None, overrides: tuple[str, ...] = (), seed: int | None = None,
) -> Stack:  # fmt: skip
    """The stack named on the command line or in the configuration. Raises UsageError, AwsError."""
    config = configuration.load(file, scenario_models(), profile=profile, target="aws", seed=seed, overrides=overrides)
    own = config.aws or AwsSettings()
    config = config.model_copy(update={"region": region or own.region or config.region})
    name = name or own.stack
    if name is None:
        raise UsageError("which stack? give --stack, or aws.stack in config.yaml: its tag says what is ours")
    aws = Aws(
        config.region, stack=name, endpoint_url=endpoint or own.endpoint_url,
        profile=aws_profile or own.profile,
    )  # fmt: skip
    (described,) = aws.call("cloudformation", "DescribeStacks", StackName=name)["Stacks"]
    found = owned(stack_of(described))
    aws.ours_protected = found.protected_by_us
    return Stack(aws=aws, config=config, outputs=dict(found.outputs), parameters=dict(found.parameters))


def writable(folder: Path, *, empty: bool = False) -> None:
    """Raises UsageError for a folder that can't be made or, where it is to be ``empty``, has something in it."""
    try:
        if empty and folder.exists() and any(folder.iterdir()):
            raise UsageError(f"--out {folder}: exists and isn't empty; name one that doesn't exist")
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"--out {folder}: is no folder; name one that doesn't exist")
    except OSError as error:
        raise UsageError(f"--out {folder}: {error.strerror}; name one that doesn't exist") from error


def tell(line: str) -> None:
    """A line on standard error, where nobody looks for the answer."""
    err.print(line, markup=False)
