"""Services of the target that the configuration names: the only place that knows both."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.config import Config
from harness.errors import CannotMeasure
from harness.local.services import LocalServices, State
from harness.services import Needs, Services


def up(needs: Needs, config: Config) -> Services:
    """Everything ``needs`` names: started here, or found on AWS. Raises HarnessError, in one line, for what can't be had."""
    if config.target == "aws":
        from harness.aws.services import AwsServices  # boto3 takes a while to import

        return AwsServices.up(needs, config)
    return LocalServices.up(replace(needs, cache_mode=config.cache))


def attached(record: Mapping[str, Any], config: Config) -> Services:
    """In a worker: the services that its master has, as ``as_record`` gave them."""
    if config.target == "aws":
        from harness.aws.services import attached as attached_to_aws

        return attached_to_aws(record, config)
    return LocalServices(None, State.from_record(record))


def refuse_nothing_named(config: Config) -> None:
    """Before anything is begun: raises CannotMeasure where target aws has neither a stack nor services of one's own."""
    if config.target == "aws" and config.aws is None:
        from harness.aws.services import NOTHING_NAMED

        raise CannotMeasure(NOTHING_NAMED)
