"""The pages on which people make, edit and revoke keys, as on Kraken's own website."""
