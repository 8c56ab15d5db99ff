"""From what krakenctl.yaml names to the things themselves: exchange, stores, state. Nothing is decided."""
