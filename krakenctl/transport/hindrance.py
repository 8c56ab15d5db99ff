"""Why a connection did not come about, told apart as far as requests, urllib3 and OpenSSL tell it. Nothing is sent."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import requests
from urllib3 import exceptions

# The first that fits: what is said of a proxy may hold what is said of its name.
_REASONS: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    (
        (requests.exceptions.ProxyError, exceptions.ProxyError),
        "its proxy does not let us through",
        "check the proxy that HTTPS_PROXY and NO_PROXY name",
    ),
    (
        (exceptions.NameResolutionError, socket.gaierror),
        "DNS does not know its name",
        "check the endpoint's name, and this host's DNS",
    ),
    (
        (ssl.SSLCertVerificationError,),
        "its certificate is not trusted",
        "if a proxy of yours looks into TLS, name its certificate in REQUESTS_CA_BUNDLE; certificates also seem expired"
        " where this host's clock is wrong",
    ),
    (
        (ssl.SSLError, exceptions.SSLError, requests.exceptions.SSLError),
        "no TLS could be agreed on",
        "check whether the endpoint means https:// or http://, and any proxy between",
    ),
    (
        (requests.exceptions.ConnectTimeout, TimeoutError),
        "it does not answer in time",
        "check the network, and whether a firewall lets this host out",
    ),
    ((ConnectionRefusedError,), "nobody listens there", "check the endpoint's host and port"),
)


def told(problem: BaseException) -> tuple[str, str]:
    """What completes “it cannot be reached: …”, and what to do about it."""
    found = list(_inside(problem))
    for kinds, why, hint in _REASONS:
        if (fits := next((each for each in found if isinstance(each, kinds)), None)) is not None:
            detail = getattr(fits, "verify_message", "")  # OpenSSL's, of a certificate
            return why + (f": {detail}" if detail else ""), hint
    system = (each.strerror for each in found if isinstance(each, OSError) and each.strerror)
    return next(system, type(problem).__name__), "check the network and the workspace's endpoint"


def _inside(problem: BaseException) -> Iterator[BaseException]:
    """An error, and those it was made from: as its cause, its context, its `reason` or among its arguments."""
    waiting, seen = [problem], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        waiting += [each for each in inner if isinstance(each, BaseException)]
