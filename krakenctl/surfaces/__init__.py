"""The ways a key is managed on Kraken, behind one port: `base.Surface`."""
