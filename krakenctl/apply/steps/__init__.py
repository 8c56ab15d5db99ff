"""What is done to one key: by a run that goes through a plan, and by one that finishes what another has begun.

waves.py issues, update.py edits, revoke.py ends. issue.py is the one-time secret up to its slot; examine.py checks the
new key (check.py compares it with the declared, mend.py sees to a wrong one), promote.py hands it to its consumer, and
takeback.py revokes what nobody may use. Before an old key goes, handover.py sees that its successor is there.
precondition.py asks whether a key is still what the plan saw, foreign.py whether a place in a store is ours; tidy.py
forgets what is gone.
"""
