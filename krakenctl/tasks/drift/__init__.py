"""Live against recorded against desired. `compare` is pure; `look` reads, and changes nothing."""
