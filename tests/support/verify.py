"""Verifies receipts and digests without any code of this repository.

`FILE KEYS TYP` are the file, the key set and the expected typ of the header. The libraries are
joserfc (RFC 7515) and rfc8785. Prints the key's id, and fails if the signature is invalid.
"""

import base64
import json
import sys

import rfc8785
from joserfc import jws
from joserfc.jwk import KeySet
from joserfc.registry import HeaderParameter

TYP = HeaderParameter("the kind of the signed file", "str")


def verify(file, keys, typ):
    with open(keys, encoding="utf-8") as opened:
        keys = KeySet.import_key_set(json.load(opened))
    with open(file, "rb") as opened:
        sealed = opened.read()
    content = json.loads(sealed)
    if rfc8785.dumps(content) != sealed:
        raise SystemExit("the file is not canonical JSON (RFC 8785)")
    header, empty, signature = content.pop("signature").split(".")
    if empty:
        raise SystemExit("the signature is not detached")
    # RFC 7515, appendix F: the signed content returns to its place.
    payload = base64.urlsafe_b64encode(rfc8785.dumps(content)).rstrip(b"=").decode()
    registry = jws.JWSRegistry(header_registry={"typ": TYP}, algorithms=["ES256"])
    signed = jws.deserialize_compact(f"{header}.{payload}.{signature}", keys, registry=registry)
    if signed.headers()["typ"] != typ:
        raise SystemExit(f"the header's typ is {signed.headers()['typ']}")
    print(signed.headers()["kid"])


verify(*sys.argv[1:])
