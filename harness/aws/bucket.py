"""The run's bucket, from here: what generators need is put there, what they made is gathered from it."""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from harness.aws.api import StackApi
from harness.aws.bundle import File
from harness.aws.failures import AwsError
from harness.errors import CannotMeasure

OWN = "control"
"""Folder of a run in the bucket that is no part of its run directory: job, progress."""
_CHUNK_BYTES = 1 << 20
_TRIES = 3


class Bucket:
    """The bucket of one stack, through the gateway: same credentials, same errors as every call."""

    def __init__(self, aws: StackApi, name: str) -> None:
        self._aws, self.name = aws, name

    def send(self, file: File) -> bool:
        """Put a file under the name of its contents; False where it is there already."""
        if any(one == file.key for one, _ in self._under(file.key)):
            return False
        with file.path.open("rb") as body:
            self._aws.call(
                "s3", "PutObject", Bucket=self.name, Key=file.key, Body=body, Metadata={"sha256": file.sha256}
            )
        return True

    def write(self, key: str, body: bytes) -> None:
        """Put a small object."""
        self._aws.call("s3", "PutObject", Bucket=self.name, Key=key, Body=body)

    def read(self, key: str) -> bytes | None:
        """A small object, None where there is none."""
        try:
            answer = self._aws.call("s3", "GetObject", Bucket=self.name, Key=key)
        except AwsError as error:
            if error.trouble != "missing":
                raise
            return None
        try:
            body: bytes = answer["Body"].read()
        except Exception as error:  # as in _fetch
            raise AwsError(
                f"s3://{self.name}/{key} can't be read whole: {type(error).__name__}: {error}", trouble="unreachable",
                call="s3:GetObject",
            ) from error  # fmt: skip
        return body

    def gather(self, prefix: str, into: Path, say: Callable[[str], None]) -> int:
        """Copy all below ``prefix/``, but the control folder, into a folder; returns the number of files."""
        count = 0
        for key, size in self._under(f"{prefix}/"):
            inside = PurePosixPath(key.removeprefix(f"{prefix}/"))
            if inside.parts[:1] == (OWN,) or key.endswith("/"):
                continue
            if inside.is_absolute() or ".." in inside.parts:
                raise CannotMeasure(f"s3://{self.name}/{key}: leads out of the run; nobody of ours wrote it")
            target = into / inside
            if not (target.exists() and target.stat().st_size == size and target.suffix == ".parquet"):
                self._fetch(key, size, target)
            count += 1
        say(f"{count} files gathered from s3://{self.name}/{prefix}")
        return count

    def _fetch(self, key: str, size: int, target: Path) -> None:
        """One object, whole or not at all; a connection that breaks is tried again."""
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.partial")
        why = "it is cut short"
        for _ in range(_TRIES):
            body = self._aws.call("s3", "GetObject", Bucket=self.name, Key=key)["Body"]
            try:
                with partial.open("wb") as file:
                    for chunk in body.iter_chunks(_CHUNK_BYTES):
                        file.write(chunk)
            except Exception as error:  # noqa: BLE001 - botocore's and urllib3's kinds of a broken body have no common base
                why = f"{type(error).__name__}: {error}"
                continue
            if partial.stat().st_size >= size:
                partial.replace(target)
                return
        partial.unlink(missing_ok=True)
        raise CannotMeasure(f"s3://{self.name}/{key} can't be read whole: {why}; it is still there, gather again")

    def _under(self, prefix: str) -> Iterator[tuple[str, int]]:
        found = self._aws.paginate("s3", "ListObjectsV2", "Contents", Bucket=self.name, Prefix=prefix)
        return ((one["Key"], one["Size"]) for one in found)
