"""Verifies receipts and digests by nothing of ours: `verify FILE KEYS TYP` takes a file, a key set and the header's typ apart
with joserfc (RFC 7515) and rfc8785, prints the key's id, and fails if the signature does not fit."""

import base64
import json
import sys

import rfc8785
from joserfc import jws
from joserfc.jwk import KeySet
from joserfc.registry import HeaderParameter

TYP = HeaderParameter("the kind of what is signed", "str")


def verify(file, keys, typ):
    with open(keys, encoding="utf-8") as opened:
        keys = KeySet.import_key_set(json.load(opened))
    with open(file, "rb") as opened:
        sealed = opened.read()
    content = json.loads(sealed)
    if rfc8785.dumps(content) != sealed:
        raise SystemExit("it is not canonical JSON (RFC 8785)")
    header, empty, signature = content.pop("signature").split(".")
    if empty:
        raise SystemExit("it is not detached")
    # RFC 7515, appendix F: what was signed comes back into its place.
    payload = base64.urlsafe_b64encode(rfc8785.dumps(content)).rstrip(b"=").decode()
    registry = jws.JWSRegistry(header_registry={"typ": TYP}, algorithms=["ES256"])
    signed = jws.deserialize_compact(f"{header}.{payload}.{signature}", keys, registry=registry)
    if signed.headers()["typ"] != typ:
        raise SystemExit(f"its typ is {signed.headers()['typ']}")
    print(signed.headers()["kid"])


verify(*sys.argv[1:])
