"""What a person does next about a new key that nobody reads yet."""

from __future__ import annotations

MENDING = (
    "its secret is kept, and nobody reads it: put it right on the website or delete it there, and run `krakenctl"
    " apply` again"
)
COMPARE = (  # it was attested already: to do so elsewhere once more would tell nothing new
    "compare it there with this store, where `krakenctl attest` can read both; or, where the key answers, type it in"
    " again, with `krakenctl apply` at a terminal"
)
