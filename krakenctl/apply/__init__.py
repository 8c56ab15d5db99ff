"""Plan → Report, through ports only. What is not in the plan is not done.

freshness.py says whether a saved plan still fits. executor.py goes through the accounts; queue.py takes one account
through its changes in the plan's order: update.py, waves.py (which issue), revoke.py. issue.py is the one-time secret
up to its slot, examine.py the check of the new key (check.py compares it with the declared, mend.py sees to a wrong
one), promote.py hands it to its consumer, and takeback.py revokes what nobody may use. places.py knows whose secret
lies where; tidy.py forgets what is gone.

What a run that died has begun is in the journal. evidence.py sees how it stands (sight.py), decide.py says what is to
be done, allowed.py what the manifests of today allow of it, forecast.py how the world will be then, and recovery.py
does it, each intent a task (task.py), with the same steps; undo.py puts a store right that had been handed the new key.
fence.py asks leave before anything is changed anywhere.
"""
