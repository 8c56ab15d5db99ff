"""Everything that may keep krakenctl from working, looked at from the outside in: `krakenctl doctor`.

One check a function, each alone: what breaks one of them is told, and hides no other. What is made of what was seen is
decided by pure functions (`verdicts`). Nothing is changed, but for one canary in each store where that is asked for.
"""

from __future__ import annotations

from krakenctl.tasks.diagnosis.ground import DoctorGround, DoctorWish
from krakenctl.tasks.diagnosis.run import diagnose

__all__ = ["DoctorGround", "DoctorWish", "diagnose"]
