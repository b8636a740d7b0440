"""``python -m harness.local.dynamodb``: the twin in the foreground."""

import argparse
import logging
import sys
from pathlib import Path

from harness.errors import HarnessError
from harness.local.dynamodb.wire.options import options_of
from harness.local.dynamodb.wire.server import serve
from harness.local.dynamodb.wire.wire import REQUEST_TIMEOUT_S


def main() -> int:
    """Parse and serve."""
    parser = argparse.ArgumentParser(description="A local twin of DynamoDB that meters and throttles.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 asks the system")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster than the wall its clock runs")
    parser.add_argument("--drop-to", type=int, default=None, metavar="UID", help="give up root's rights after binding")
    parser.add_argument("--require-signature", action="store_true", help="refuse what isn't signed with the key")
    parser.add_argument("--access-key", default=None, metavar="ID", help="AWS_ACCESS_KEY_ID where not given")
    parser.add_argument(
        "--secret-key-file", type=Path, default=None, metavar="FILE", help="AWS_SECRET_ACCESS_KEY where not given"
    )
    parser.add_argument(
        "--service-time", type=Path, default=None, metavar="FILE", help="JSON: per operation, how long answers take"
    )
    parser.add_argument("--seed", type=int, default=0, help="draws the service times")
    parser.add_argument("--control", action="store_true", help="offer /_twin/ beyond loopback too")
    parser.add_argument(
        "--data", type=Path, default=None, metavar="DIR", help="read tables from there, and write them when stopped"
    )
    parser.add_argument(
        "--parameters",
        type=Path,
        default=None,
        metavar="FILE",
        help="JSON: what AWS doesn't publish; docs/twin.md lists it",
    )
    parser.add_argument(
        "--no-partition-limits",
        dest="partition_limits",
        action="store_false",
        help="throttle by tables and indexes only",
    )
    parser.add_argument(
        "--request-timeout", type=float, default=REQUEST_TIMEOUT_S, metavar="S", help="for a request to come whole"
    )
    words = parser.parse_args()
    try:
        options = options_of(
            host=words.host, port=words.port, speed=words.speed, drop_to_uid=words.drop_to,
            require_signature=words.require_signature, access_key=words.access_key,
            secret_key_file=words.secret_key_file, service_time=words.service_time, seed=words.seed,
            control=words.control, partition_limits=words.partition_limits, data=words.data, parameters=words.parameters, request_timeout_s=words.request_timeout,
        )  # fmt: skip
        logging.basicConfig(level=logging.INFO)
        return serve(options)
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
