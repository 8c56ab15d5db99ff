"""Who acts, as far as the surroundings tell."""

from __future__ import annotations

import getpass
import os
import socket
import uuid

from krakenctl.model.run import Run


def new_run(command: str) -> Run:
    """Who acts: KRAKENCTL_ACTOR, else whom a pipeline names, else the user of this process."""
    named = (os.environ.get(name) for name in ("KRAKENCTL_ACTOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN"))
    who = next(filter(None, named), None) or getpass.getuser()
    return Run(id=uuid.uuid4().hex, who=who, host=socket.gethostname(), command=command)
