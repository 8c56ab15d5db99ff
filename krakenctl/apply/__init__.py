"""Plan → Report, through ports only. What is not in the plan is not done.

freshness.py says whether a saved plan still fits. executor.py goes through the accounts; queue.py takes one account
through its changes in the plan's order: update.py, waves.py (which issue), revoke.py. issue.py is the one-time
secret, step by step; check.py compares the issued key with the declared; places.py knows whose secret lies where, and
undo.py takes back what a dead run had promoted and not recorded; tidy.py forgets what is gone.
"""
