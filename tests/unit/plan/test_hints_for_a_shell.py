"""A command that a hint names can be pasted into a shell, whatever Kraken calls the key."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

import plan_builders as b
from krakenctl.plan import byhand

NAMES = st.text(st.sampled_from("aZ9 '\"$#&;*.-_"), min_size=1, max_size=32)


@given(NAMES, st.booleans())
def test_the_name_comes_through_as_it_is(name, unheard):
    record = replace(b.recorded(b.bot()), live_name=name, claimed_by="me", claimed_at=b.NOW, unheard=unheard)
    hint = byhand.claimed(record, "").hint
    [command] = re.findall(r"`(krakenctl recover .*)`", hint)
    assert shlex.split(command) == ["krakenctl", "recover", "--absent", f"{record.address}:{name}"]
