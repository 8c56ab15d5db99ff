"""Brings keys that exist already under management: manifests as a person writes them, secrets in the store, records.

Nothing on the exchange is changed. Whatever an import writes, the plan after it has no change for these keys.
"""
