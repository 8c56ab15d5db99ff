"""The published and the recomputed vectors of Kraken's request signature."""

from __future__ import annotations

import base64

import pytest

from krakenctl.sandbox.checks.signature import sign, verify

SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
NONCE = "1616492376594"
INFO = "/0/private/GetApiKeyInfo"
VECTORS = {
    "form, authentication guide": (
        SECRET,
        "/0/private/AddOrder",
        NONCE,
        "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
        "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
    ),
    "JSON and a query string, custody guide": (
        SECRET,
        "/0/private/GetCustodyTask?id=TGWOJ4JQPOTZT2",
        NONCE,
        '{"nonce":1616492376594}',
        "2rM09q8HG7LvjivBitQUybwZ/DSeO8+i0U/at/wclH2Jma6gMaE/0Nw9dyLR+ykMd5eWCngSL4K58i6uJzXDCw==",
    ),
    "form, SDK": (
        base64.b64encode(b"\x01" * 32).decode(),
        "/0/private/Balance",
        "1700000000000000000",
        "nonce=1700000000000000000",
        "6i7+cpXVLDDnDOekgsRcgFQhkYFyPDSSxhSVA8OrA6vjziXcy2K1DP3n7f9B/Kgni71WjBSQusZKxduRsdF20Q==",
    ),
    "form, own": (
        SECRET,
        INFO,
        NONCE,
        "nonce=1616492376594",
        "0hXh9q5/fK8xgzNfiExbUyhEvsv1gAYGgL/5PWy8Xo8kFGhpI/ZwAnHB1eC0SYtlYiywFcypDRuBP/GjHp+ojA==",
    ),
    "JSON, own": (
        SECRET,
        INFO,
        NONCE,
        '{"nonce":1616492376594}',
        "Y+PfSbsXlj0sbAZDcyVp1igUnTeH91+HlgIEpJPjm/aBixgDgGhE06PvYLTJcj4blYBia7u1jnzYJXwj2zTODA==",
    ),
    "form with otp, own": (
        SECRET,
        INFO,
        NONCE,
        "nonce=1616492376594&otp=123456",
        "fXhMZZeiSQ6N2+BY44VGsIlMESfhK0T4M77EyM/zJGQx1t3+Zan7nksaIQp340yq7FM6mqkgNIoM6pCOAh11kw==",
    ),
}


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())
def test_a_signature_is_krakens(vector):
    *signed, expected = vector
    secret, target, nonce, body = signed
    assert sign(secret, target, nonce, body.encode()) == expected
    assert verify(expected, secret, target, nonce, body.encode())


def test_a_signature_of_something_else_is_refused():
    assert not verify("é" * 88, SECRET, INFO, NONCE, b"nonce=1616492376594")
    assert not verify("", SECRET, INFO, NONCE, b"nonce=1616492376594")
