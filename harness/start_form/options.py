"""The harness's own options of a ``locust`` command line; those that Locust's form shows are the few main ones."""

from typing import Any, get_args

from harness import config as configuration
from harness.config import Profile, Target
from harness.launching import config_file, default_profile

_MORE = "all settings of a scenario are at /dbharness/start"
_FORM_KEYS = ("target", "seed")
"""Keys at the top of config.yaml that Locust's form has a field for, named as here behind ``harness_``."""


def add_options(parser: Any) -> None:
    """Put them on Locust's parser, once for all scenarios of one Locust."""
    if "--harness-profile" in parser._option_string_actions:
        return
    parser.add_argument(
        "--harness-profile", choices=get_args(Profile),
        default=default_profile(),  # the start form sends its first choice where there is no default
        help=f"Profile of config.yaml to measure; {_MORE}",
    )  # fmt: skip
    parser.add_argument(
        "--harness-target", choices=get_args(Target), default=configured("target"),
        help="local: embedded stand-ins; aws: what section aws of config.yaml names",
    )  # fmt: skip
    parser.add_argument("--harness-seed", default=configured("seed"), help="Draws keys, orders and tables")
    parser.add_argument(
        "--harness-out", default=None, metavar="DIR", include_in_web_ui=False, help="The run directory; new under runs/ unless given"
    )  # fmt: skip
    parser.add_argument(
        "--harness-set", action="append", default=[], metavar="KEY=VALUE", include_in_web_ui=False,
        help="Override a key of config.yaml (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--harness-baseline", action="append", default=[], metavar="RUN|STORE", include_in_web_ui=False,
        help="What relative gates of config.yaml are held against (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--harness-allow", action="append", default=[], metavar="NAME", include_in_web_ui=False,
        help="What a baseline may differ in, as in dbharness gate (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--harness-inconclusive", choices=("pass", "fail"), default="pass", include_in_web_ui=False,
        help="What an inconclusive gate does: pass with a warning, or exit 4",
    )  # fmt: skip


def configured(key: str) -> str:
    """What config.yaml itself, or the harness where it says nothing, has for a key at its top."""
    said = configuration.named(config_file(), key)
    return str(configuration.Config.model_fields[key].default if said is None else said)


def overrides_of(options: Any) -> list[str]:
    """Every ``KEY=VALUE`` that was asked for: by ``--harness-set``, and by the options of their own where they say something else."""
    asked = {key: getattr(options, f"harness_{key}") for key in _FORM_KEYS}
    own = [f"{key}={value}" for key, value in asked.items() if value and value != configured(key)]
    return [*options.harness_set, *own]
