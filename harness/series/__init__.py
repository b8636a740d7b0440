"""One operation on two arms that are the same, by pairs and for long: how often does chance pass for a difference?"""

from typing import Literal

Through = Literal["dynamodb", "valkey", "postgres", "mysql"]
"""The service that is asked."""
