"""What every permission set holds, once its includes are followed. Cycles and dangling includes are found here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from krakenctl.model.finding import Finding
from krakenctl.model.permission import Permission
from krakenctl.validate.report import Report, error
from krakenctl.validate.resources import Resource, Resources
from krakenctl.validate.words import guess, quoted

Held = Mapping[str, frozenset[Permission]]


def resolve(resources: Resources, report: Report) -> Held:
    """Every usable set's permissions. A set on a cycle holds at least its own."""
    held: dict[str, frozenset[Permission]] = {}
    for name in sorted(resources.sets):
        _settle(name, resources, held, report)
    for name, resource in resources.sets.items():
        if not held[name] and not resource.spec.get("include"):
            report.append(error("empty-set", resource.place.at("spec"), f"the set “{name}” holds no permission",
                                address=resource.address))  # fmt: skip
    return held


def _settle(name: str, resources: Resources, held: dict[str, frozenset[Permission]], report: Report) -> None:
    """Follow includes depth first, on a stack of our own: a chain of sets may be long."""
    under_way: dict[str, Iterator[tuple[int, str]]] = {}
    if name not in held:
        under_way[name] = _includes(resources.sets[name])
    while under_way:
        current = next(reversed(under_way))
        for position, included in under_way[current]:
            if included in under_way:
                report.append(_cycle(resources.sets[current], position, [*under_way], included))
            elif included not in resources.sets:
                _dangling(resources.sets[current], position, included, resources, report)
            elif included not in held:
                under_way[included] = _includes(resources.sets[included])
                break
        else:
            held[current] = _sum(resources.sets[current], held)
            del under_way[current]


def _includes(resource: Resource) -> Iterator[tuple[int, str]]:
    return iter(enumerate(resource.spec.get("include", ())))


def _sum(resource: Resource, held: Held) -> frozenset[Permission]:
    own = frozenset(map(Permission, resource.spec.get("permissions", ())))
    return own.union(*(held.get(name, frozenset()) for _, name in _includes(resource)))


def _cycle(resource: Resource, position: int, chain: list[str], back_to: str) -> Finding:
    circle = [*chain[chain.index(back_to) :], back_to]
    return error(
        "set-cycle",
        resource.place.at("spec", "include", position),
        f"these sets include each other in a circle: {' → '.join(circle)}",
        hint="leave one of the includes out",
        address=resource.address,
    )


def _dangling(resource: Resource, position: int, name: str, resources: Resources, report: Report) -> None:
    if ("PermissionSet", name) not in resources.broken:
        report.append(unknown_set(resource, ("spec", "include", position), name, resources))


def unknown_set(resource: Resource, path: tuple[str | int, ...], name: str, resources: Resources) -> Finding:
    hint = guess(name, sorted(resources.sets)) or _all_sets(resources)
    message = f"no PermissionSet is called “{name}”"
    return error("unknown-set", resource.place.at(*path), message, hint=hint, address=resource.address)


def _all_sets(resources: Resources) -> str:
    names = sorted(resources.sets)
    return f"the sets are {quoted(names[:20])}" if names else "no PermissionSet is declared"
