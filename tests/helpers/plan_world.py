"""A memory of an exchange and of our state, on which plans can be carried out, and what such worlds are made of.

It does what apply does, step by step and without any input or output, so that laws can be told about plans alone.
"""

from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from krakenctl.model.address import Address
from krakenctl.model.desired import Desired, SecretRef
from krakenctl.model.journal import Intent
from krakenctl.model.key import LiveKey
from krakenctl.model.permission import Permission
from krakenctl.model.plan import Verb
from krakenctl.model.recorded import Recorded, RecordedKey
from plan_builders import DAY, HOUR, NOW, account, bot, draw, on, stranger, sub_account, wish

ACCOUNTS = ("acme", "desk")


@dataclass
class World:
    desired: Desired
    now: int = NOW
    live: dict[str, dict[str, LiveKey]] = field(default_factory=lambda: {name: {} for name in ACCOUNTS})
    keys: dict[Address, RecordedKey] = field(default_factory=dict)
    retired: list[RecordedKey] = field(default_factory=list)
    intents: list[Intent] = field(default_factory=list)
    generations: dict[Address, int] = field(default_factory=dict)
    # What happened, for laws to look at.
    issued: list[tuple[str, str]] = field(default_factory=list)
    owner: dict[tuple[str, str], Address] = field(default_factory=dict)
    most_generations: int = 0
    overfull: list[str] = field(default_factory=list)

    def recorded(self, shuffled=lambda values: values):
        return Recorded(
            lineage="L",
            keys=dict(shuffled(list(self.keys.items()))),
            retired=tuple(shuffled(self.retired)),
            intents=tuple(shuffled(self.intents)),
            generations=dict(shuffled(list(self.generations.items()))),
        )

    def plan(self, shuffled=lambda values: values):
        live = [on(*shuffled(list(keys.values())), name=name) for name, keys in self.live.items()]
        return draw(self.desired, *live, recorded=self.recorded(shuffled), now=self.now)

    def recover(self):
        """What every run does first: here no secret of a key that was not promoted is kept."""
        for intent in self.intents:
            self.live[intent.account].pop(intent.live_name, None)
        self.intents = []

    def apply(self, plan, steps=10**9):
        """Carry the plan out; `steps`: after how many the process is killed."""
        for settled in plan.settled:
            self.keys[settled.address] = replace(self.keys[settled.address], spec=settled.spec)
        for change in plan.changes:
            if not change.is_change:
                continue
            if not change.steps:
                self._remember(change)
            for step in change.steps:
                steps -= 1
                if steps < 0:
                    return
                self._do(change, step)

    def _do(self, change, step):
        live, address = self.live[change.account], change.address
        match step.verb:
            case Verb.ISSUE:
                self._issue(change, live)
            case Verb.PROMOTE:
                self._promote(change, live)
            case Verb.UPDATE:
                live[step.name] = replace(live[step.name], spec=change.new.spec)
            case Verb.CHECK if change.old and change.old.name == step.name:  # of an update
                self._remember(change)
            case Verb.RETIRE:
                end = self.now + change.overlap
                spec = live[step.name].spec
                if not spec.valid_until or spec.valid_until > end:
                    live[step.name] = replace(live[step.name], spec=replace(spec, valid_until=end))
            case Verb.REVOKE:
                assert live[step.name].created == change.old.created
                del live[step.name]
                self._forget(address, step.name)
            case Verb.FORGET:
                self.keys.pop(address, None)

    def _issue(self, change, live):
        new = change.new
        self.intents.append(Intent(change=change, began=self.now, sent=self._dated(new)))
        self.generations[change.address] = max(self.generations.get(change.address, 0), new.generation)
        limit = self.desired.accounts[change.account].keys_limit
        if limit is not None and len(live) >= limit:
            self.overfull.append(new.name)
        self.issued.append((change.account, new.name))
        self.owner[change.account, new.name] = change.address
        live[new.name] = LiveKey(name=new.name, created=self.now, spec=self._dated(new))
        siblings = [name for name in live if self.owner.get((change.account, name)) == change.address]
        self.most_generations = max(self.most_generations, len(siblings))

    def _dated(self, new):
        return new.spec if new.valid_for is None else replace(new.spec, valid_until=self.now + new.valid_for)

    def _promote(self, change, live):
        new, former = change.new, change.renamed_from or change.address
        old = self.keys.pop(former, None)
        self.keys[change.address] = RecordedKey(
            address=change.address,
            live_name=new.name,
            generation=new.generation,
            created=live[new.name].created,
            public_key="PUBLIC",
            spec=self._dated(new),
            secret=change.secret,
            issued=live[new.name].created,
            trigger=change.trigger,
            protect=change.protect,
            nonce=change.nonce,
        )
        self.intents = [intent for intent in self.intents if intent.live_name != new.name]
        if old and change.old and old.live_name == change.old.name and not change.gap:
            self.retired.append(replace(old, address=change.address, retired_until=self.now + change.overlap))

    def _remember(self, change):
        record = self.keys.pop(change.renamed_from or change.address)
        self.keys[change.address] = replace(
            record,
            address=change.address,
            spec=change.new.spec,
            trigger=change.trigger,
            protect=change.protect,
            nonce=change.nonce,
        )
        if change.renamed_from:  # the same live keys under another address
            self.owner[change.account, record.live_name] = change.address

    def _forget(self, address, name):
        if address in self.keys and self.keys[address].live_name == name:
            del self.keys[address]
        self.retired = [key for key in self.retired if (key.address, key.live_name) != (address, name)]
        self.intents = [intent for intent in self.intents if (intent.address, intent.live_name) != (address, name)]

    def ours(self):
        """(account, live name, creation time) of all that a plan may revoke; an intent knows no time yet."""
        known = {(key.account, key.live_name, key.created) for key in (*self.keys.values(), *self.retired)}
        return known | {
            (intent.account, intent.live_name, self.live[intent.account][intent.live_name].created)
            for intent in self.intents
            if intent.live_name in self.live[intent.account]
        }


# --- what worlds are made of

RIGHTS = (Permission.QUERY_FUNDS, Permission.MODIFY_TRADES, Permission.QUERY_LEDGER)
grants = st.frozensets(st.sampled_from(RIGHTS), min_size=1)
allowlists = st.sampled_from([(), ("192.0.2.1",), ("192.0.2.1", "198.51.100.0/28")])


@st.composite
def keys(draw_, name, home):
    max_age = draw_(st.sampled_from([None, None, 10 * DAY]))
    overlap = draw_(st.sampled_from([0, HOUR, 2 * DAY]))
    life = draw_(st.sampled_from([{}, {}, {"valid_for": 12 * DAY}, {"valid_until": NOW + 5 * DAY}]))
    if max_age is None and draw_(st.booleans()):
        life = {"valid_for": 12 * HOUR}
    return bot(
        name,
        home,
        grants=draw_(grants),
        ip_allowlist=draw_(allowlists),
        nonce_window=draw_(st.sampled_from([None, 0, 3])),
        query_from=draw_(st.sampled_from([None, 5])),
        protect=draw_(st.integers(0, 9)) == 0,
        secret=SecretRef(draw_(st.sampled_from(["main", "main", "main", "vault"])), f"{home}/{name}"),
        trigger=draw_(st.sampled_from(["", "", "x"])),
        max_age=max_age,
        overlap=overlap,
        **life,
    )


@st.composite
def wishes(draw_):
    """Up to three keys on each of two accounts; one that is missing may live on under a new name, or be claimed as the
    former self of another one."""
    declared, forget = [], []
    for home in ACCOUNTS:
        claimed = []
        for name in ("a", "b", "c"):
            fate = draw_(st.sampled_from(["there", "there", "there", "gone", "forgotten", "renamed", "claimed"]))
            former = bot(name, home).address
            if fate == "there":
                declared.append(draw_(keys(name, home)))
            elif fate == "forgotten":
                forget.append(former)
            elif fate == "renamed":
                declared.append(replace(draw_(keys(f"new-{name}", home)), formerly=(former,)))
            elif fate == "claimed":
                claimed.append(former)
        if declared and declared[-1].account == home:
            declared[-1] = replace(declared[-1], formerly=(*declared[-1].formerly, *claimed))
    limits = {home: draw_(st.sampled_from([None, None, 3, 4, 5])) for home in ACCOUNTS}
    accounts = [account(keys_limit=limits["acme"]), sub_account(keys_limit=limits["desk"])]
    return wish(*declared, accounts=accounts, forget=forget)


@st.composite
def worlds(draw_, settled=False, meddled=True):
    """Somewhere in a history: manifests edited, plans applied or interrupted, time passing, people meddling."""
    world = World(draw_(wishes()))
    events = ["apply", "apply", "interrupt", "edit", "time"] + ["revoke", "recreate", "drift", "stranger"] * meddled
    for event in draw_(st.lists(st.sampled_from(events), max_size=10)):
        _happen(draw_, world, event)
    world.recover()
    if settled:
        world.apply(world.plan())
    return world


def _happen(draw_, world, event):
    if event == "apply":
        world.recover()
        world.apply(world.plan())
    elif event == "interrupt":
        world.recover()
        world.apply(world.plan(), steps=draw_(st.integers(0, 12)))
    elif event == "edit":
        world.desired = draw_(wishes())
    elif event == "time":
        world.now += draw_(st.sampled_from([60, 7 * HOUR, 3 * DAY, 20 * DAY]))
    else:
        _meddle(draw_, world, event)


def _meddle(draw_, world, event):
    live = world.live[draw_(st.sampled_from(ACCOUNTS))]
    if event == "stranger":
        name = draw_(st.sampled_from(["by-hand", "a.a7.g2", "b.b8.g1"]))
        live.setdefault(name, stranger(name, created=world.now))
        return
    if not live:
        return
    name = draw_(st.sampled_from(sorted(live)))
    if event == "revoke":
        del live[name]
    elif event == "recreate":
        live[name] = replace(live[name], created=live[name].created - 10 * DAY)
    else:
        spec = draw_(st.sampled_from([{"ip_allowlist": ()}, {"valid_until": 0}, {"permissions": frozenset(RIGHTS)}]))
        live[name] = replace(live[name], spec=replace(live[name].spec, **spec))
