"""Plan → Report, through ports only. What is not in the plan is not done.

freshness.py says whether a saved plan still fits. executor.py goes through the accounts, each with a session.py;
queue.py takes one account through its changes in the plan's order. steps/ is what is done to one key, recovery/ what
becomes of a change that a dead run has begun. Each deed passes work.py: fence.py is asked for leave before, and
journal.py told after.
"""
