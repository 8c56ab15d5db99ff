"""The parts of `workflow` that have a name of their own: what is under way, drawn, saved, rebuilt."""
