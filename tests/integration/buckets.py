"""A bucket named ``kept`` in S3, as moto serves it on loopback, and the URLs that pyarrow's own S3 client takes for it."""

from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from harness.local.processes import Warden
from tools.emulators import HOST, start_moto


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What boto3 has of it; and where it answers."""

    objects: Any
    port: int

    def url(self, place: str) -> str:
        """The URL of ``bucket/prefix``, any bucket's."""
        return f"s3://{place}?endpoint_override={HOST}%3A{self.port}&scheme=http&region=us-east-1"


def kept_bucket(warden: Warden, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Made anew; the environment has keys that moto takes."""
    for name, value in {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}.items():
        monkeypatch.setenv(name, value)
    port = start_moto(warden)
    bucket: Any = boto3.resource("s3", endpoint_url=f"http://{HOST}:{port}", region_name="us-east-1").Bucket("kept")
    bucket.create()
    return Bucket(objects=bucket, port=port)
