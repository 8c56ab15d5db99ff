"""Every file of tests/broken/ says in its first line what must be found in it, and where."""

import re
from pathlib import Path

import pytest

from krakenctl import load, validate
from krakenctl.model.origin import Place
from krakenctl.model.workspace import StateSettings, StoreSettings, Workspace
from krakenctl.schema_files import load_kinds

BROKEN = Path(__file__).parents[2] / "broken"
SCHEMAS = load_kinds()
WORKSPACE = Workspace(
    name="acme",
    endpoint="sandbox",
    tag="a7",
    manifests=("manifests",),
    state=StateSettings(path=".krakenctl/state.db"),
    stores={"desk": StoreSettings(type="age", path="secrets")},
    default_store="desk",
    credentials={},
)
# What only jsonschema, PyYAML or Python would say.
FOREIGN = re.compile(
    r"is not of type|is a required|does not match|is not valid under|unexpected\)|Traceback|while pars"
)
SECRETS = ("kQH5HW", "hunter2", "AGE-SECRET-KEY-1", "123456")


def check(file: Path):
    """All findings about one file, each with the origin that a user would see, in order."""
    reading = load.read_file(BROKEN, file.name)
    if file.name.startswith("workspace-") and reading.documents[0].kind in ("Workspace", "workspace"):
        _, more = validate.workspace(reading.documents[0], SCHEMAS)
    else:
        _, more = validate.desired(reading.documents, WORKSPACE, "", SCHEMAS, complete=bool(reading.documents))
    found = (*reading.findings, *more)
    places = [spot for f in found for spot in (f.place, *(to for _, to in f.related)) if isinstance(spot, Place)]
    origins = load.locate(BROKEN, places)
    return [(f.origin or origins.get(f.place), f) for f in found]


def header(file: Path, name: str) -> str:
    found = re.search(rf"^# {name}: (.*)$", file.read_text(), re.MULTILINE)
    return found[1] if found else ""


FILES = sorted(BROKEN.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_mistake_is_found_where_it_is_made(file):
    found = check(file)
    expected = header(file, "expect").split(", ")
    assert {finding.rule for _, finding in found} == set(expected), found
    if spot := header(file, "at"):
        spots = [f"{origin.line}:{origin.column}" for origin, finding in found if finding.rule == expected[0]]
        assert spot in spots, found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_messages_are_sentences_of_ours_and_never_repeat_a_secret(file):
    for _, finding in check(file):
        text = f"{finding.message} {finding.hint} {finding.related}"
        assert not FOREIGN.search(text), text
        assert not any(secret in text for secret in SECRETS), text
        assert finding.message
        assert not finding.message.endswith(".")


def test_the_corpus_is_large_enough_to_mean_something():
    assert len(FILES) >= 60
