"""What krakenctl knows about Kraken and itself, for people: `facts.toml`, and how something is found in it. Offline.

facts     the file as values, read when somebody asks
look_up   from what a person typed or a log says to what it means
"""

from krakenctl.knowledge.facts import Facts, facts, words
from krakenctl.knowledge.lookup import look_up, near

__all__ = ["Facts", "facts", "look_up", "near", "words"]
