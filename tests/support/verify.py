"""Verifies receipts and digests without any code of this repository.

`FILE KEYS TYP` are the file, the key set and the expected typ of the header. The libraries are
joserfc (RFC 7515) and rfc8785. Prints the id of the key of the set that signed the file or the
certificate of its short-lived key, and fails with the reason if the file must be refused.
"""

import base64
import json
import re
import sys
from datetime import datetime, timedelta

import rfc8785
from joserfc import jws
from joserfc.jwk import ECKey, KeySet
from joserfc.registry import HeaderParameter

RECEIPT = "holdfast-receipt+jws"
CERTIFICATE = "holdfast-certificate+jws"
TYP = HeaderParameter("the kind of the signed file", "str")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def encoded(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def require(condition, reason):
    if not condition:
        raise SystemExit(reason)


def payload_of(text, keys, typ, what):
    """Verifies a compact JWS. Returns its payload and the id of its key.

    The header is checked first: it is exactly alg, kid and typ, so that no other member, such as
    `jwk` or `crit`, has a meaning.
    """
    protected = text.split(".")[0]
    header = json.loads(decoded(protected))
    require(
        set(header) == {"alg", "kid", "typ"} and encoded(rfc8785.dumps(header)) == protected,
        f"{what}: the header is not the canonical JSON of alg, kid and typ alone: {header}",
    )
    require(header["alg"] == "ES256", f"{what}: the header's alg is {header['alg']}, not ES256")
    require(header["typ"] == typ, f"{what}: the header's typ is {header['typ']}, not {typ}")
    kid = header["kid"]
    known = [key.kid for key in keys.keys]
    require(kid in known, f"{what}: key {kid} signed it, and only {known} may")
    registry = jws.JWSRegistry(header_registry={"typ": TYP}, algorithms=["ES256"])
    return jws.deserialize_compact(text, keys, registry=registry).payload, kid


def moment(text, what):
    require(isinstance(text, str) and TIME.fullmatch(text), f"{what} is no time in UTC: {text}")
    return datetime.fromisoformat(text)


def certified(receipt, keys):
    """Verifies the certificate of a receipt. Returns its key, and the id of the certifying key."""
    require(isinstance(receipt["certificate"], str), "the certificate is not a text")
    payload, kid = payload_of(receipt["certificate"], keys, CERTIFICATE, "the certificate")
    certificate = json.loads(payload)
    require(rfc8785.dumps(certificate) == payload, "the certificate is not canonical JSON")
    members = {"deployment", "function_version", "jwk", "not_after", "not_before"}
    require(
        set(certificate) == members, f"the certificate has the members {sorted(certificate)}"
    )
    deployment = receipt.get("deployment")
    require(
        certificate["deployment"] == deployment,
        f"the certificate is of the deployment {certificate['deployment']}, not of {deployment}",
    )
    first = moment(certificate["not_before"], "not_before")
    last = moment(certificate["not_after"], "not_after")
    require(
        timedelta(0) <= last - first <= timedelta(hours=2),
        f"the certificate is for {last - first}: two hours at most are accepted",
    )
    ended = moment(receipt.get("timestamp"), "the receipt's timestamp")
    require(
        first <= ended <= last,
        f"the receipt's timestamp {ended} is outside its certificate's time, {first} to {last}",
    )
    jwk = certificate["jwk"]
    curve = {"crv": "P-256", "kty": "EC"}
    require(
        set(jwk) == {"crv", "kty", "x", "y"} and curve.items() <= jwk.items(),
        f"the certificate's key is not crv, kty, x and y of P-256 alone: {sorted(jwk)}",
    )
    key = ECKey.import_key(jwk)
    key.ensure_kid()  # its RFC 7638 thumbprint, which the receipt's header names
    return KeySet([key]), kid


def verify(file, keys, typ):
    with open(keys, encoding="utf-8") as opened:
        keys = KeySet.import_key_set(json.load(opened))
    with open(file, "rb") as opened:
        sealed = opened.read()
    content = json.loads(sealed)
    require(rfc8785.dumps(content) == sealed, "the file is not canonical JSON (RFC 8785)")
    parts = content.pop("signature").split(".")
    require(len(parts) == 3 and not parts[1], "the signature is not a detached JWS")
    header, _, signature = parts
    certifier = None
    # Only a receipt may have a short-lived key. The key set verifies every other file.
    if typ == RECEIPT and "certificate" in content:
        keys, certifier = certified(content, keys)
    # RFC 7515, appendix F: the signed content returns to its place.
    payload = encoded(rfc8785.dumps(content))
    _, kid = payload_of(f"{header}.{payload}.{signature}", keys, typ, "the signature")
    print(certifier or kid)


if __name__ == "__main__":
    verify(*sys.argv[1:])
