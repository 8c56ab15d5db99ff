"""Ends the wait for a key that could not be looked at where it was made: where it lives, it is asked about itself.

waiting.py finds what waits; asking.py asks it, so that no consumer notices; judging.py says in what it is not the key
that was asked for; keeping.py puts right what the store keeps; run.py does all that at the workspace, and finishes.
"""
