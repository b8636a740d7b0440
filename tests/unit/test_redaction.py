"""What is left out of what a run writes, and what stays."""

from harness.config import AwsSettings
from harness.redaction import Redactor

SETTINGS = AwsSettings.model_validate(
    {
        "sql": {"mysql": {"instance": "orders", "host": "db.example.com", "secret": "prod/db"}},
        "cache": {"host": "10.0.0.9", "ours": True},
    }
)


def test_names_of_the_section_have_the_same_word_everywhere() -> None:
    """In a tree of values, keys left alone; *orders* as a part of another word stays."""
    redactor = Redactor.of(SETTINGS)
    told = redactor.tree({"host": "db.example.com", "orders": ["reboot of orders", "reorders", "pre-orders"], "n": 3})
    assert told == {"host": "endpoint-1", "orders": ["reboot of id-1", "reorders", "pre-orders"], "n": 3}
    assert redactor.text("db.example.com:3306 at 10.0.0.9") == "endpoint-1:3306 at endpoint-2"


def test_what_has_the_shape_of_one_goes_unasked() -> None:
    """Endpoints of RDS, accounts in ARNs, RDS's own secrets, private addresses; the second of a kind has the next number."""
    redactor = Redactor()
    assert redactor.text("x.abc123.us-east-1.rds.amazonaws.com") == "endpoint-1"
    assert redactor.text("master.c.abc.use1.cache.amazonaws.com") == "endpoint-2"
    assert redactor.text("arn:aws:rds:us-east-1:123456789012:db:x") == "arn:aws:rds:us-east-1:000000000000:db:x"
    assert redactor.text("arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-1a-Xy") == "arn:aws:secretsmanager:us-east-1:000000000000:secret:secret-1"  # fmt: skip
    assert [redactor.text(one) for one in ("10.0.1.7", "172.31.0.2", "10.0.1.7")] == [
        "address-1",
        "address-2",
        "address-1",
    ]


def test_what_names_nobody_stays() -> None:
    """Loopback, public addresses, versions, twelve digits that are no account."""
    text = "127.0.1.1 8.8.8.8 172.32.0.1 version 10.11.19 in 123456789012 ns"
    assert Redactor().text(text) == text
