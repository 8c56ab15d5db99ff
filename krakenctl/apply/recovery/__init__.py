"""What a run that died has begun is in the journal: it is finished, undone, or told.

evidence.py sees how each intent stands (sight.py), decide.py says what is to be done, allowed.py what the manifests of
today allow of it, forecast.py how the world will be then. run.py does it, each intent a task (task.py), with the same
steps as apply; ends.py puts journal, records and slots right, undo.py a store that had been handed the new key.
"""
