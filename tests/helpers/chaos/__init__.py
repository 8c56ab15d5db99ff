"""The chaos matrix: what a run has to do × where it is struck × by what × how Kraken behaves. Every cell is real:
a workspace and an exchange in files, and processes that run krakenctl, break and are killed.

scenarios.py and by_person.py: what there is to do; hand.py: the person who does what no API does. boundaries.py: where
a run can be struck. faults.py: by what. quirks.py: how the exchange behaves. cell.py takes one cell through break and
mend, in the processes of room.py, in the time of still.py. eyes.py looks behind every curtain; witness.py, handmade.py
and leaks.py say which promises were kept; sabotage.py breaks krakenctl on purpose; matrix.py has all cells.
"""
