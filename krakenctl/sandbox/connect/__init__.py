"""Kraken Connect: consent in the browser, tokens, and Fast API keys."""
