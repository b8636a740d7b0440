"""``python -m harness.local.dynamodb``: the twin in the foreground."""

import argparse
import logging
import sys

from harness.local.dynamodb.server import serve


def main() -> int:
    """Parse and serve."""
    parser = argparse.ArgumentParser(description="A local twin of DynamoDB that meters and throttles.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 asks the system")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster than the wall its clock runs")
    parser.add_argument("--drop-to", type=int, default=None, metavar="UID", help="give up root's rights after binding")
    words = parser.parse_args()
    if not 0 < words.speed <= 1_000_000:
        parser.error(f"--speed must be > 0 and at most 1,000,000, got {words.speed:g}")
    logging.basicConfig(level=logging.INFO)
    return serve(words.host, words.port, words.speed, words.drop_to)


if __name__ == "__main__":
    sys.exit(main())
