"""The chaos matrix: what a run has to do × where it is struck × by what × how Kraken behaves. Every cell is real:
a workspace and an exchange in files, and processes that run krakenctl, break and are killed.

scenarios.py: what there is to do. boundaries.py: where a run can be struck. faults.py: by what. quirks.py: how the
exchange behaves. cell.py takes one cell through break and mend, in the processes of room.py; witness.py says which
promises were kept; sabotage.py breaks krakenctl on purpose; matrix.py has all cells.
"""
