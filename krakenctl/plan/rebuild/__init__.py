"""What the state must have been, from the manifests, the live keys and the slots of the stores. Pure.

Only what is proved is recorded: a live key is ours if a slot of ours holds its public key under a declared address.
Everything else is told, and left alone. Where two readings are possible, the one is taken that revokes less.

places.py says where to look; finds.py which live key a slot's secret is; records.py what is recorded of it; words.py
what is told. memory.py puts it together.
"""
