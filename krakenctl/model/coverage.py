"""How much of an account's keys can be seen."""

from __future__ import annotations

from enum import StrEnum


class Coverage(StrEnum):
    COMPLETE = "complete"  # every key of the account
    OUR_CLIENT = "our-client"  # only keys made by our OAuth client
    HELD = "held"  # only keys that we hold ourselves, each asked about itself, or else taken as recorded
    NONE = "none"  # nothing was or could be listed
