"""What every secret store keeps to. See `krakenctl.stores.base.Store`; the reference is `memory.MemoryStore`."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakenctl.errors import SecretGone, StoreError
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import Permission
from krakenctl.model.secret import Secret
from krakenctl.stores.base import Entry, Slot, Store
from krakenctl.testing import examples
from krakenctl.testing.leaks import everything_shown
from krakenctl.testing.memory import MemoryStore

MakeStore = Callable[[], Store]
PATH = "bots/mm-btc"
NONE_COUNTED = "the fixture `interrupt` stopped nothing: are these the operations that the store uses?"
OLD, NEW, NEWEST = (examples.entry(live_name=f"mm-btc.a7.g{n}", generation=n) for n in (1, 2, 3))

lawful = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
_wholes = st.integers(0, 2**63 - 1)
_specs = st.builds(
    KeySpec,
    permissions=st.frozensets(st.sampled_from(Permission)),
    ip_allowlist=st.lists(st.ip_addresses().map(str), max_size=3).map(tuple),
    valid_until=_wholes,
    query_from=_wholes,
    query_to=_wholes,
    nonce_window=_wholes,
    unknown_permissions=st.frozensets(_texts, max_size=2),
)
entries: st.SearchStrategy[Entry] = st.builds(
    Entry,
    address=_texts,
    lineage=_texts,
    live_name=_texts,
    generation=_wholes,
    created=_wholes,
    public_key=_texts,
    secret=_texts.map(Secret),
    spec=_specs,
)
_deeds = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(Slot), st.sampled_from([OLD, NEW, NEWEST])),
    st.tuples(st.just("remove"), st.sampled_from(Slot)),
    st.tuples(st.just("promote"), st.sampled_from([OLD.live_name, NEW.live_name, NEWEST.live_name])),
)
_numbers = itertools.count()


class Killed(BaseException):
    """The process ended here, as far as the store can tell: nothing after it runs."""


# (after how many elementary operations, what is raised then) → a context whose value says whether it was raised
Interrupt = Callable[[int, BaseException], AbstractContextManager[Callable[[], bool]]]


class StoreContract:
    """Subclass it, and say with fixtures how to reach your store.

    Needed: `make_store`. To be looked at more closely: `make_blind_store`, `interrupt`, `kept`.
    """

    @pytest.fixture
    def make_store(self) -> MakeStore:
        """Opens a store, and the same one again with each call; empty at the start of a test."""
        raise NotImplementedError("give your contract a fixture make_store")

    @pytest.fixture
    def make_blind_store(self) -> MakeStore:
        """Opens the same store as a host that may write but not read."""
        pytest.skip("this store makes no difference between writing and reading")

    @pytest.fixture
    def interrupt(self) -> Interrupt:
        """Lets some of the store's elementary operations (open, rename, send, …) pass, and then no other."""
        pytest.skip("this contract was not told how to make the store's operations fail")

    @pytest.fixture
    def kept(self) -> Callable[[], bytes]:
        """Everything the store keeps at rest, names and contents, as an intruder would find it."""
        pytest.skip("this contract was not told where the store keeps things")

    @pytest.fixture
    def store(self, make_store: MakeStore) -> Store:
        return make_store()

    @lawful
    @given(entry=entries, slot=st.sampled_from(Slot))
    def test_what_was_put_is_what_is_got_to_the_last_character(
        self, make_store: MakeStore, entry: Entry, slot: Slot
    ) -> None:
        make_store().put(PATH, slot, entry)
        assert make_store().get(PATH, slot) == entry

    @lawful
    @given(deeds=st.lists(_deeds, max_size=8))
    def test_any_deeds_in_a_row_leave_what_they_would_leave_in_a_dictionary(
        self, store: Store, deeds: list[tuple[Any, ...]]
    ) -> None:
        path, reference = f"bots/law-{next(_numbers)}", MemoryStore()
        for name, *arguments in deeds:
            assert len({_refuses(one, name, path, *arguments) for one in (store, reference)}) == 1
        assert _slots(store, path) == _slots(reference, path)
        assert [store.exists(path, slot) for slot in Slot] == [reference.exists(path, slot) for slot in Slot]

    def test_an_empty_slot_is_none_and_not_an_error(self, store: Store) -> None:
        assert _slots(store, "never/heard/of") == [None, None, None]
        assert not any(store.exists("never/heard/of", slot) for slot in Slot)

    def test_the_three_slots_of_a_key_are_independent(self, store: Store) -> None:
        for slot, entry in zip(Slot, (OLD, NEW, NEWEST), strict=True):
            store.put(PATH, slot, entry)
        assert _slots(store, PATH) == [OLD, NEW, NEWEST]
        store.remove(PATH, Slot.CURRENT)
        assert _slots(store, PATH) == [OLD, None, NEWEST]

    def test_one_key_does_not_touch_another_even_below_its_path(self, store: Store) -> None:
        for path, entry in (("bots", OLD), ("bots/mm", NEW), ("bots/mm/btc", NEWEST)):
            store.put(path, Slot.CURRENT, entry)
        store.remove("bots/mm", Slot.CURRENT)
        assert [store.get(path, Slot.CURRENT) for path in ("bots", "bots/mm", "bots/mm/btc")] == [OLD, None, NEWEST]

    def test_a_put_replaces_what_was_there(self, store: Store) -> None:
        store.put(PATH, Slot.PENDING, OLD)
        store.put(PATH, Slot.PENDING, NEW)
        assert store.get(PATH, Slot.PENDING) == NEW

    def test_promotion_makes_the_pending_key_current_and_keeps_the_one_before(self, store: Store) -> None:
        store.put(PATH, Slot.CURRENT, OLD)
        store.put(PATH, Slot.PENDING, NEW)
        store.promote(PATH, NEW.live_name)
        assert _slots(store, PATH) == [None, NEW, OLD]

    def test_promoting_again_changes_nothing(self, make_store: MakeStore) -> None:
        make_store().put(PATH, Slot.CURRENT, OLD)
        make_store().put(PATH, Slot.PENDING, NEW)
        for _ in range(3):
            make_store().promote(PATH, NEW.live_name)
        assert _slots(make_store(), PATH) == [None, NEW, OLD]

    def test_promoting_where_nothing_was_ever_put_is_an_error(self, store: Store) -> None:
        """Else a key would count as handed out whose secret nobody has."""
        with pytest.raises(StoreError):
            store.promote("never/heard/of", NEW.live_name)
        assert _slots(store, "never/heard/of") == [None, None, None]

    def test_what_somebody_else_has_put_there_meanwhile_is_not_promoted(self, store: Store) -> None:
        """Else consumers would read the secret of a key that its own run has given up."""
        store.put(PATH, Slot.CURRENT, OLD)
        store.put(PATH, Slot.PENDING, NEWEST)
        store.put(PATH, Slot.PENDING, NEW)
        with pytest.raises(SecretGone):
            store.promote(PATH, NEWEST.live_name)
        assert _slots(store, PATH) == [NEW, OLD, None]

    def test_promoting_again_leaves_alone_what_was_put_there_since(self, store: Store) -> None:
        store.put(PATH, Slot.PENDING, OLD)
        store.promote(PATH, OLD.live_name)
        store.put(PATH, Slot.PENDING, NEW)
        store.promote(PATH, OLD.live_name)
        assert _slots(store, PATH) == [NEW, OLD, None]

    def test_removing_what_is_not_there_changes_nothing(self, store: Store) -> None:
        store.remove(PATH, Slot.CURRENT)
        store.put(PATH, Slot.CURRENT, OLD)
        store.remove(PATH, Slot.PENDING)
        for _ in range(2):
            store.remove(PATH, Slot.CURRENT)
        assert _slots(store, PATH) == [None, None, None]

    def test_proving_it_writable_leaves_no_trace(self, store: Store, kept: Callable[[], bytes]) -> None:
        store.put(PATH, Slot.CURRENT, OLD)
        before = kept()
        store.prove_writable()
        assert kept() == before

    def test_who_may_not_read_may_still_write_and_see_what_is_taken(
        self, make_store: MakeStore, make_blind_store: MakeStore
    ) -> None:
        blind = make_blind_store()
        blind.prove_writable()
        blind.put(PATH, Slot.CURRENT, OLD)
        blind.put(PATH, Slot.PENDING, NEW)
        assert [blind.exists(PATH, slot) for slot in Slot] == [True, True, False]
        blind.promote(PATH, NEW.live_name)
        blind.remove(PATH, Slot.PREVIOUS)
        with pytest.raises(StoreError):
            blind.get(PATH, Slot.CURRENT)
        assert make_store().get(PATH, Slot.CURRENT) == NEW

    def test_who_may_not_read_still_knows_what_it_has_put_there_itself(
        self, make_store: MakeStore, make_blind_store: MakeStore
    ) -> None:
        blind = make_blind_store()
        make_store().put(PATH, Slot.CURRENT, OLD)
        blind.put(PATH, Slot.PENDING, NEWEST)
        make_store().put(PATH, Slot.PENDING, NEW)
        with pytest.raises(SecretGone):
            blind.promote(PATH, NEWEST.live_name)
        make_blind_store().promote(PATH, NEW.live_name)
        assert _slots(make_store(), PATH) == [None, NEW, OLD]

    @pytest.mark.parametrize("stop", [OSError(5, "Input/output error"), Killed()], ids=["failure", "death"])
    def test_a_put_that_stops_half_way_leaves_the_old_entry_or_the_new(
        self, make_store: MakeStore, interrupt: Interrupt, stop: BaseException
    ) -> None:
        for after in range(100):
            make_store().put(PATH, Slot.CURRENT, OLD)
            possible: tuple[Entry, ...] = (OLD, NEW)
            with interrupt(after, stop) as struck, suppress(StoreError, Killed):
                make_store().put(PATH, Slot.CURRENT, NEW)
                possible = (NEW,)
            assert make_store().get(PATH, Slot.CURRENT) in possible
            make_store().put(PATH, Slot.CURRENT, NEWEST)
            assert make_store().get(PATH, Slot.CURRENT) == NEWEST
            if not struck():
                assert after, NONE_COUNTED
                return
        raise AssertionError("a put takes more than 100 operations")

    @pytest.mark.parametrize("stop", [OSError(5, "Input/output error"), Killed()], ids=["failure", "death"])
    def test_a_promotion_that_stops_half_way_is_finished_by_the_next(
        self, make_store: MakeStore, interrupt: Interrupt, stop: BaseException
    ) -> None:
        for after in range(100):
            make_store().put(PATH, Slot.CURRENT, OLD)
            make_store().put(PATH, Slot.PENDING, NEW)
            make_store().remove(PATH, Slot.PREVIOUS)
            with interrupt(after, stop) as struck, suppress(StoreError, Killed):
                make_store().promote(PATH, NEW.live_name)
            make_store().promote(PATH, NEW.live_name)
            assert _slots(make_store(), PATH) == [None, NEW, OLD]
            if not struck():
                assert after, NONE_COUNTED
                return
        raise AssertionError("a promotion takes more than 100 operations")

    @pytest.mark.parametrize("deed", ["prove_writable", "put", "promote", "remove"])
    def test_a_failure_is_a_store_error_that_shows_no_secret(
        self, make_store: MakeStore, interrupt: Interrupt, kept: Callable[[], bytes], deed: str
    ) -> None:
        arguments = {"prove_writable": (), "promote": (PATH, NEW.live_name), "remove": (PATH, Slot.CURRENT)}
        for after in range(100):
            make_store().put(PATH, Slot.CURRENT, OLD)
            make_store().put(PATH, Slot.PENDING, NEW)
            shown = ""
            with interrupt(after, OSError(28, "No space left on device")) as struck:
                try:
                    getattr(make_store(), deed)(*arguments.get(deed, (PATH, Slot.PENDING, NEWEST)))
                except StoreError as problem:
                    shown = everything_shown(problem)
            assert examples.SECRET not in shown
            assert examples.SECRET.encode() not in kept()
            if not struck():
                assert after, NONE_COUNTED
                return
        raise AssertionError(f"{deed} takes more than 100 operations")

    def test_nothing_at_rest_or_on_show_is_plain(self, store: Store, kept: Callable[[], bytes]) -> None:
        for slot in Slot:
            store.put(PATH, slot, OLD)
        store.promote(PATH, OLD.live_name)
        assert examples.SECRET.encode() not in kept()
        assert examples.SECRET not in f"{store!r} {store} {store.get(PATH, Slot.CURRENT)!r}"


def _refuses(store: Store, deed: str, *arguments: Any) -> bool:
    try:
        getattr(store, deed)(*arguments)
    except StoreError:
        return True
    return False


def _slots(store: Store, path: str) -> list[Entry | None]:
    """pending, current, previous."""
    return [store.get(path, slot) for slot in Slot]
