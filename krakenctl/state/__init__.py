"""What krakenctl remembers between runs, behind one port: `base.State`. Never a secret."""
