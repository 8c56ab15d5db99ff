"""`python -m krakenctl` is `krakenctl`."""

from krakenctl.cli import entry

entry()
