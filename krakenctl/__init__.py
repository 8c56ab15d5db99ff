"""krakenctl: Terraform for exchange access. The package itself only knows its version."""

__version__ = "0.1.0"
