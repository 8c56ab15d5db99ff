"""Kraken's wire: signatures, nonces, envelopes and the shapes of keys. No decisions, no state."""
