"""Verifies receipts and digests without any code of this repository.

`FILE KEYS TYP` are the file, the key set and the expected typ of the header. The libraries are
joserfc (RFC 7515) and rfc8785. Prints the id of the key of the set that signed the file or the
certificate of its short-lived key, and fails if a signature is invalid.
"""

import base64
import json
import sys
from datetime import datetime, timedelta

import rfc8785
from joserfc import jws
from joserfc.jwk import ECKey, KeySet
from joserfc.registry import HeaderParameter

RECEIPT = "holdfast-receipt+jws"
CERTIFICATE = "holdfast-certificate+jws"
TYP = HeaderParameter("the kind of the signed file", "str")


def payload_of(text, keys, typ):
    """Verifies a compact JWS. Returns its payload and the id of its key."""
    registry = jws.JWSRegistry(header_registry={"typ": TYP}, algorithms=["ES256"])
    signed = jws.deserialize_compact(text, keys, registry=registry)
    if signed.headers()["typ"] != typ:
        raise SystemExit(f"the header's typ is {signed.headers()['typ']}")
    return signed.payload, signed.headers()["kid"]


def certified(receipt, keys):
    """Verifies the certificate of a receipt. Returns its key, and the id of the certifying key."""
    payload, kid = payload_of(receipt["certificate"], keys, CERTIFICATE)
    certificate = json.loads(payload)
    members = {"deployment", "function_version", "jwk", "not_after", "not_before"}
    if set(certificate) != members:
        raise SystemExit(f"the certificate has the members {sorted(certificate)}")
    if certificate["deployment"] != receipt["deployment"]:
        raise SystemExit("the certificate is of another deployment")
    first, ended, last = (
        datetime.fromisoformat(text)
        for text in (certificate["not_before"], receipt["timestamp"], certificate["not_after"])
    )
    if not timedelta(0) <= last - first <= timedelta(hours=2):
        raise SystemExit("the certificate is for more than two hours")
    if not first <= ended <= last:
        raise SystemExit("the receipt's timestamp is outside its certificate's time")
    key = ECKey.import_key(certificate["jwk"])
    key.ensure_kid()  # its RFC 7638 thumbprint, which the receipt's header names
    return KeySet([key]), kid


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
    certifier = None
    if typ == RECEIPT and "certificate" in content:
        keys, certifier = certified(content, keys)
    # RFC 7515, appendix F: the signed content returns to its place.
    payload = base64.urlsafe_b64encode(rfc8785.dumps(content)).rstrip(b"=").decode()
    _, kid = payload_of(f"{header}.{payload}.{signature}", keys, typ)
    print(certifier or kid)


if __name__ == "__main__":
    verify(*sys.argv[1:])
