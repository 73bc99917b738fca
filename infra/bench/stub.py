"""A stub that answers at once, for measurements of a function's own processor time.

It is Lambda's runtime API, AWS's, and a step's target, on one address, and on a second one by TLS.
Of AWS it has a table of DynamoDB, in which each write succeeds, and a key of KMS.
"""

import asyncio
import base64
import datetime
import ipaddress
import json
import os
import re
import ssl
import tempfile
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
TARGET = re.compile(rb"(?i)\r\nx-amz-target: *([\w.]+)")
POLL = b"/2018-06-01/runtime/invocation/next"
# What a target answers, as a REST API would.
ANSWER = b'{"id":"n-1","status":"sent"}'
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def response(status, body, kind="application/json", headers=()):
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection(asyncio.Protocol):
    """One connection, kept open, of requests that follow each other."""

    def __init__(self, stub):
        self.stub, self.received = stub, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[: end + 2]
            length = LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.received) < whole:
                # A client that asks first would wait for this.
                if b"100-continue" in head:
                    self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body, self.received = self.received[end + 4 : whole], self.received[whole:]
            self.stub.answer(self.transport, head, body)


class Stub:
    """The servers, in a thread of their own. `calls` has the events for the process that polls."""

    def __init__(self):
        self.items = {}
        self.calls, self.error = None, None
        self.polled, self.polled_at = threading.Event(), 0
        self.folder = tempfile.TemporaryDirectory()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate())
        self.loop = asyncio.new_event_loop()
        self.address = self._listen()
        self.tls_address = self._listen(context)
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def _listen(self, context=None):
        serve = self.loop.create_server(lambda: Connection(self), "127.0.0.1", 0, ssl=context)
        server = self.loop.run_until_complete(serve)
        return f"127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def _certificate(self):
        """Writes a certificate of this address, and a file that trusts it beside the system's."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stub")])
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - day)
            .not_valid_after(now + day)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .sign(key, hashes.SHA256())
        )
        self.public_key = base64.b64encode(
            key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        ).decode()
        pem = built.public_bytes(serialization.Encoding.PEM)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.trusted = f"{self.folder.name}/trusted.pem"
        with open(CERTIFICATES, "rb") as system, open(self.trusted, "wb") as both:
            both.write(system.read() + pem)
        served = f"{self.folder.name}/served.pem"
        with open(served, "wb") as file:
            file.write(secret + pem)
        return served

    def pin(self, cores):
        """Pins the stub's thread to these cores."""
        self.loop.call_soon_threadsafe(os.sched_setaffinity, 0, cores)

    def answer(self, transport, head, body):
        path = head.split(b" ", 2)[1]
        if path == POLL:
            self.poll(transport)
        elif path.startswith(b"/2018-06-01/runtime/"):
            if b"/error" in path:
                self.error = body.decode()
                self.polled.set()
            transport.write(response("202 Accepted", b'{"status":"OK"}'))
        elif target := TARGET.search(head):
            answer = self.aws(target[1].split(b".")[-1].decode(), json.loads(body))
            transport.write(response("200 OK", json.dumps(answer).encode(), "application/x-amz-json-1.0"))
        else:
            transport.write(response("200 OK", ANSWER))

    def aws(self, operation, request):
        """Answers a request of a service. An update changes nothing."""
        if operation == "PutItem":
            self.items[self.key(request["Item"])] = request["Item"]
        elif operation == "GetItem":
            found = self.items.get(self.key(request["Key"]))
            return {"Item": found} if found else {}
        elif operation == "BatchGetItem":
            ((table, wanted),) = request["RequestItems"].items()
            found = [self.items.get(self.key(key)) for key in wanted["Keys"]]
            read = [self.projected(item, wanted) for item in found if item]
            return {"Responses": {table: read}, "UnprocessedKeys": {}}
        elif operation == "GetPublicKey":
            return {"KeyId": "arn:aws:kms:us-east-1:000000000000:key/1", "PublicKey": self.public_key}
        return {}

    @staticmethod
    def projected(item, wanted):
        """Returns the attributes of an item that the projection selects."""
        if "ProjectionExpression" not in wanted:
            return item
        names = [name.strip() for name in wanted["ProjectionExpression"].split(",")]
        names = [wanted.get("ExpressionAttributeNames", {}).get(name, name) for name in names]
        return {name: item[name] for name in names if name in item}

    @staticmethod
    def key(item):
        return tuple(item[name]["S"] for name in ("pk", "sk") if name in item)

    def poll(self, transport):
        event = self.calls and self.calls.next()
        if event is None:
            # The process waits for an event until it is ended.
            self.polled_at = time.perf_counter()
            self.polled.set()
            return
        headers = [
            f"Lambda-Runtime-Aws-Request-Id: {self.calls.number:08d}-0000-4000-8000-000000000000",
            f"Lambda-Runtime-Deadline-Ms: {int((time.time() + 60) * 1000)}",
            "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:measured",
            "Lambda-Runtime-Trace-Id: Root=1-5e1b4151-5ac6c58dc39a6b6ea1d7a4d1;Sampled=0",
        ]
        transport.write(response("200 OK", event, headers=headers))


class Calls:
    """The same event, so many times, and the processor time of the process at each of its polls."""

    def __init__(self, event, count):
        self.event, self.count, self.number = json.dumps(event).encode(), count, 0
        self.clock, self.times = None, []

    def of(self, pid):
        # The clock of a process: "CLOCK_PROCESS_CPUTIME_ID" of another one, clock_getcpuclockid(3).
        self.clock = (~pid << 3) | 2

    def next(self):
        while self.clock is None:
            time.sleep(0.001)
        self.times.append(time.clock_gettime(self.clock) * 1000)
        if self.number == self.count:
            return None
        self.number += 1
        return self.event

    def each(self):
        """Milliseconds of processor time of each call."""
        return [after - before for before, after in zip(self.times, self.times[1:])]
