"""Where secrets are kept, behind one port: `base.Store`."""
