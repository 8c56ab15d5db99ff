"""The kill switch: keys are revoked with whatever is at hand. It needs no manifests, no state, no plan and no lease.

What can be read is used: manifests and state say what lies below a node, the state which names are ours. Nothing is
removed from stores: a dead secret is evidence.

below.py says which accounts lie below a node, aim.py which keys are meant, sight.py what is live; switch.py finds and
revokes, sweep.py clears one account, memory.py tells the state, so that running applies stop and nobody makes these
keys again unasked.
"""
