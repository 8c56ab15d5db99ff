"""Kraken's signature: every published vector, and three computed from its description."""

from __future__ import annotations

import base64

import pytest

from krakenctl.errors import CredentialError
from krakenctl.model.secret import Secret
from krakenctl.surfaces.kraken.signing import sign
from krakenctl.testing.leaks import everything_shown

S = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
ONES = base64.b64encode(b"\x01" * 32).decode()
NONCE = "1616492376594"

VECTORS = {
    # docs.kraken.com, guide “Spot REST authentication”
    "form": (
        S,
        "/0/private/AddOrder",
        NONCE,
        "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
        "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
    ),
    # docs.kraken.com/institutional/guides/custody-rest-auth
    "json with a query string": (
        S,
        "/0/private/GetCustodyTask?id=TGWOJ4JQPOTZT2",
        NONCE,
        '{"nonce":1616492376594}',
        "2rM09q8HG7LvjivBitQUybwZ/DSeO8+i0U/at/wclH2Jma6gMaE/0Nw9dyLR+ykMd5eWCngSL4K58i6uJzXDCw==",
    ),
    # Kraken's SDK, src/auth/signer.rs
    "nanoseconds, a short secret": (
        ONES,
        "/0/private/Balance",
        "1700000000000000000",
        "nonce=1700000000000000000",
        "6i7+cpXVLDDnDOekgsRcgFQhkYFyPDSSxhSVA8OrA6vjziXcy2K1DP3n7f9B/Kgni71WjBSQusZKxduRsdF20Q==",
    ),
    # computed with hashlib and hmac alone
    "key info, form": (
        S,
        "/0/private/GetApiKeyInfo",
        NONCE,
        "nonce=1616492376594",
        "0hXh9q5/fK8xgzNfiExbUyhEvsv1gAYGgL/5PWy8Xo8kFGhpI/ZwAnHB1eC0SYtlYiywFcypDRuBP/GjHp+ojA==",
    ),
    "key info, json": (
        S,
        "/0/private/GetApiKeyInfo",
        NONCE,
        '{"nonce":1616492376594}',
        "Y+PfSbsXlj0sbAZDcyVp1igUnTeH91+HlgIEpJPjm/aBixgDgGhE06PvYLTJcj4blYBia7u1jnzYJXwj2zTODA==",
    ),
    "key info, otp": (
        S,
        "/0/private/GetApiKeyInfo",
        NONCE,
        "nonce=1616492376594&otp=123456",
        "fXhMZZeiSQ6N2+BY44VGsIlMESfhK0T4M77EyM/zJGQx1t3+Zan7nksaIQp340yq7FM6mqkgNIoM6pCOAh11kw==",
    ),
}


@pytest.mark.parametrize(("secret", "path", "nonce", "body", "signature"), VECTORS.values(), ids=VECTORS)
def test_the_signature_is_krakens(secret, path, nonce, body, signature):
    assert sign(Secret(secret), path, nonce, Secret(body)) == signature


CUT_OR_BADLY_PASTED = (S[:-1], S[:-2], S[1:-1], S + "\n", S + "!", "ü" + S, "\ud800" + S, "")


@pytest.mark.parametrize("secret", CUT_OR_BADLY_PASTED, ids=range(len(CUT_OR_BADLY_PASTED)))
def test_what_is_no_private_key_is_told_and_not_shown(secret):
    with pytest.raises(CredentialError, match="not base64") as caught:
        sign(Secret(secret), "/0/private/Balance", "1", Secret("nonce=1"))
    assert S[5:40] not in everything_shown(caught.value)
