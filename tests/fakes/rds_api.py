"""RDS's API on loopback, by its XML protocol, for one Multi-AZ instance that is a topology of ours: a reboot fails it over."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs

import loopback_http

NAMESPACE = "http://rds.amazonaws.com/doc/2014-10-31/"


@dataclass
class Instance:
    """What RDS says of it; ``fail_over`` does what it is asked to, in a thread of its own."""

    name: str
    host: str
    port: int
    fail_over: Callable[[], None]
    tags: Mapping[str, str] = field(default_factory=lambda: {"dbharness": "own"})
    events: list[tuple[datetime, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    status: str = "available"
    thread: threading.Thread | None = None

    def say(self, message: str) -> None:
        """An event, now."""
        self.events.append((datetime.now(UTC), message))

    def describe(self) -> str:
        """A member of DescribeDBInstances' answer."""
        tags = "".join(f"<Tag><Key>{key}</Key><Value>{value}</Value></Tag>" for key, value in self.tags.items())
        return (
            f"<DBInstances><DBInstance><DBInstanceIdentifier>{self.name}</DBInstanceIdentifier>"
            f"<DBInstanceArn>arn:aws:rds:us-east-1:123456789012:db:{self.name}</DBInstanceArn>"
            f"<DBInstanceStatus>{self.status}</DBInstanceStatus><MultiAZ>true</MultiAZ>"
            f"<Endpoint><Address>{self.host}</Address><Port>{self.port}</Port></Endpoint><TagList>{tags}</TagList>"
            "</DBInstance></DBInstances>"
        )

    def reboot(self) -> str:
        """Begins the failover and returns, as RDS does."""
        self.status = "rebooting"
        self.thread = threading.Thread(target=self._reboot, daemon=True)
        self.thread.start()
        return f"<DBInstance><DBInstanceIdentifier>{self.name}</DBInstanceIdentifier></DBInstance>"

    def _reboot(self) -> None:
        self.say("Multi-AZ instance failover started.")
        self.fail_over()
        self.say("Multi-AZ instance failover completed")
        self.status = "available"

    def tell_events(self, since: str) -> str:
        """Those since then."""
        shown = [(when, said) for when, said in self.events if when.timestamp() >= _seconds(since)]
        each = "".join(
            f"<Event><SourceIdentifier>{self.name}</SourceIdentifier><SourceType>db-instance</SourceType>"
            f"<Message>{said}</Message><Date>{when.isoformat().replace('+00:00', 'Z')}</Date></Event>"
            for when, said in shown
        )
        return f"<Events>{each}</Events>"


@contextmanager
def served(instance: Instance) -> Iterator[str]:
    """The address at which it is asked."""

    def answer(_: Mapping[str, str], body: bytes) -> tuple[int, str, bytes]:
        asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        action = asked["Action"]
        instance.asked.append(action)
        result = _result(instance, action, asked)
        content = (
            f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{result}</{action}Result>'
            f"<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
        )
        return 200, "text/xml", content.encode()

    with loopback_http.served(answer) as url:
        yield url


def _result(instance: Instance, action: str, asked: Mapping[str, str]) -> str:
    match action:
        case "DescribeDBInstances":
            return instance.describe()
        case "RebootDBInstance":
            assert asked["ForceFailover"] == "true"
            return instance.reboot()
        case "DescribeEvents":
            return instance.tell_events(asked["StartTime"])
    raise AssertionError(f"nobody was to ask {action}")


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
