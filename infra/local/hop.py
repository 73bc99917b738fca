"""The hop: a proxy between the functions and the emulator that holds requests to AWS's models.

It forwards every byte as it comes and checks each request beside that. Where it can, it answers as
AWS does and the emulator does not: a missing object is 403 to who may not list the bucket.

`hop.py serve PORT EMULATOR_PORT` runs it. A request under /_hop/check is checked and not forwarded,
and /_hop/report answers counts and violations. `hop.py report URL` prints them, and fails if there
is a violation. /_hop/refuse?service=NAME&seconds=N has a service refuse every request for a while.
"""

import asyncio
import collections
import json
import os
import pathlib
import re
import sys
import time
import urllib.request

import models
import peers

CHECK, REPORT, REFUSE = "/_hop/check", "/_hop/report", "/_hop/refuse"
DENIED = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
# What a service answers that is away. S3: "Error responses" of its API reference; DynamoDB: "Error
# messages and codes" of its developer guide; KMS: the exceptions of its service model.
REFUSALS = {
    "s3": (
        "503 Slow Down",
        "application/xml",
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
    ),
    "dynamodb": (
        "503 Service Unavailable",
        "application/x-amz-json-1.0",
        b'{"__type":"com.amazon.coral.availability#ServiceUnavailable","message":"DynamoDB is currently unavailable"}',
    ),
    "kms": (
        "500 Internal Server Error",
        "application/x-amz-json-1.1",
        b'{"__type":"KMSInternalException","message":"an internal exception occurred"}',
    ),
}
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class Hop:
    """What all connections share: the emulator's port, the counts, the violations."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.operations = collections.Counter()
        self.violations = collections.Counter()
        self.roles = {}
        # The time at which each service's outage ends, and the number of requests that it refused.
        self.away = {}
        self.refused = collections.Counter()

    def record(self, request):
        # People open a receipt's presigned link, and tests change it. Functions sign in a header.
        if "authorization" not in request.headers:
            return
        try:
            operation, found = models.check(request)
        except Exception as error:
            # A fault of the check must fail the gate too, and may quote a value.
            operation, found = "unknown", [f"the check failed: {type(error).__name__}"]
        self.operations[operation] += 1
        for violation in set(found):
            line = f"{operation}: {violation}"
            if line not in self.violations:
                print(line, flush=True)
            self.violations[line] += 1

    def begin_refusal(self, query):
        """Has a service refuse requests from now on; 0 seconds end that. Returns an answer."""
        service, seconds = query.get("service"), query.get("seconds", "")
        if service not in REFUSALS or not seconds.isdecimal():
            right = f"service={'|'.join(REFUSALS)}&seconds=NUMBER"
            return "400 Bad Request", {"error": f"{REFUSE}: the query is not understood; right: {right}"}
        self.away[service] = time.monotonic() + int(seconds)
        return "200 OK", {"refused": self.refused.pop(service, 0)}

    def refusal(self, head):
        """The answer to a request if its service is away."""
        _, service = head.request(b"").credential()
        if head.ours() or time.monotonic() >= self.away.get(service, 0):
            return None
        self.refused[service] += 1
        status, kind, body = REFUSALS[service]
        return response(status, kind, b"" if head.method == "HEAD" else body)

    def report(self):
        return {"operations": dict(sorted(self.operations.items())), "violations": dict(self.violations)}

    def may_list(self, access_key, bucket):
        """Whether the function with this key may list the bucket without a condition.

        A session of another role, which the API makes for a tenant, has a condition on the prefix.
        """
        if access_key not in self.roles:
            self.roles[access_key] = self.role_of(access_key)
        role = self.roles[access_key]
        if role is None:
            return False
        said = self.client("iam").simulate_principal_policy(
            PolicySourceArn=role, ActionNames=["s3:ListBucket"], ResourceArns=[f"arn:aws:s3:::{bucket}"]
        )
        return all(one["EvalDecision"] == "allowed" for one in said["EvaluationResults"])

    def role_of(self, access_key):
        """The role of the function whose process has this key in its environment."""
        key = f"AWS_ACCESS_KEY_ID={access_key}"
        for process in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try:
                variables = process.read_text(errors="replace").split("\0")
            except OSError:
                continue
            name = [one.partition("=")[2] for one in variables if one.startswith("AWS_LAMBDA_FUNCTION_NAME=")]
            if key in variables and name:
                return self.client("lambda").get_function_configuration(FunctionName=name[0])["Role"]
        return None

    def client(self, service):
        # Needed seldom, and slow to load.
        import botocore.session

        endpoint = f"http://127.0.0.1:{self.emulator}"
        return botocore.session.get_session().create_client(service, endpoint_url=endpoint)


class Head:
    """The head of a request, and the length of its body; `None` if it is chunked."""

    def __init__(self, head):
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        self.body = None if chunked else int(self.headers.get("content-length", 0))

    def request(self, body):
        return models.Request(self.method, self.target, self.headers, body)

    def ours(self):
        return self.target.startswith("/_hop/")


def chunks(buffer, at):
    """The end of a chunked body that begins at `at`, and its content; `None` before its end."""
    content = b""
    while (line := buffer.find(b"\r\n", at)) >= 0:
        size = int(bytes(buffer[at:line]).split(b";")[0], 16)
        content += bytes(buffer[line + 2 : line + 2 + size])
        at = line + 2 + size + 2
        if size == 0:
            end = buffer.find(b"\r\n\r\n", line)
            return (end + 4, content) if end >= 0 else None
    return None


class Client(asyncio.Protocol):
    """A function's connection, which has a connection to the emulator of its own."""

    def __init__(self, hop):
        self.hop, self.head, self.sent, self.buffer = hop, None, 0, bytearray()
        self.refusal = self.connecting = None

    def connection_made(self, transport):
        self.transport, self.upstream = transport, None
        if not peers.served(transport.get_extra_info("socket")):
            transport.abort()
            return
        transport.pause_reading()
        self.connecting = asyncio.ensure_future(self.connect())

    async def connect(self):
        loop = asyncio.get_running_loop()
        try:
            _, self.upstream = await loop.create_connection(lambda: Upstream(self), "127.0.0.1", self.hop.emulator)
            self.transport.resume_reading()
        except OSError:
            self.transport.close()

    def data_received(self, data):
        self.buffer += data
        while self.buffer:
            if self.head is None:
                self.start = self.buffer.find(b"\r\n\r\n") + 4
                if self.start < 4:
                    return
                self.head, self.sent = Head(bytes(self.buffer[: self.start - 4])), 0
                self.refusal = self.hop.refusal(self.head)
                if self.refusal is None:
                    self.upstream.begin(self.head)
            whole = self.whole()
            end = whole[0] if whole else len(self.buffer)
            if not self.head.ours() and self.refusal is None:
                self.upstream.transport.write(bytes(self.buffer[self.sent : end]))
                self.sent = end
            if whole is None:
                return
            self.ended(self.head, whole[1])
            del self.buffer[:end]
            self.head = None

    def whole(self):
        """The end of the request and its body, once all of it is here."""
        if self.head.body is None:
            return chunks(self.buffer, self.start)
        end = self.start + self.head.body
        return (end, bytes(self.buffer[self.start : end])) if len(self.buffer) >= end else None

    def ended(self, head, body):
        if not head.ours():
            self.hop.record(head.request(body))
            if self.refusal is not None:
                self.transport.write(self.refusal)
            return
        status, answer = "200 OK", self.hop.report()
        if head.target.startswith(REFUSE):
            status, answer = self.hop.begin_refusal(head.request(b"").query)
        if head.target.startswith(CHECK):
            head.target = head.target.removeprefix(CHECK) or "/"
            operation, violations = models.check(head.request(body))
            answer = {"operation": operation, "violations": violations}
        answer = json.dumps(answer).encode()
        self.transport.write(response(status, "application/json", answer))

    def connection_lost(self, error):
        if self.connecting:
            self.connecting.cancel()
        if self.upstream:
            self.upstream.transport.close()


class Upstream(asyncio.Protocol):
    """The connection to the emulator for one client."""

    def __init__(self, client):
        self.client, self.held, self.request = client, None, None

    def connection_made(self, transport):
        self.transport = transport

    def begin(self, head):
        """A request begins. The answer to a read of an object is held until its status is known."""
        self.request = head.request(b"")
        key, service = self.request.credential()
        # Keys of a function's role begin so; without enforced policies everybody has the same key.
        reads = service == "s3" and head.method == "GET" and "/" in self.request.path.lstrip("/")
        self.held = bytearray() if reads and key.startswith("ASIA") else None

    def data_received(self, data):
        if self.held is None:
            self.client.transport.write(data)
            return
        self.held += data
        start = self.held.find(b"\r\n\r\n") + 4
        if start < 4:
            return
        length = LENGTH.search(self.held, 0, start)
        if not self.held.startswith(b"HTTP/1.1 404") or length is None:
            self.release()
        elif len(self.held) >= start + int(length[1]):
            asyncio.ensure_future(self.missing())

    async def missing(self):
        """Answers a missing object as S3 does: 403 to a caller that may not list the bucket.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, "Permissions".
        """
        bucket = self.request.path.lstrip("/").partition("/")[0]
        key, _ = self.request.credential()
        loop = asyncio.get_running_loop()
        if b"<Code>NoSuchKey</Code>" in self.held and not await loop.run_in_executor(
            None, self.client.hop.may_list, key, bucket
        ):
            self.held = bytearray(response("403 Forbidden", "application/xml", DENIED))
        self.release()

    def release(self):
        held, self.held = self.held, None
        if held:
            self.client.transport.write(bytes(held))

    def connection_lost(self, error):
        self.release()
        self.client.transport.close()


def response(status, kind, body):
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(port, emulator):
    # The models are loaded before the first request waits for them.
    for service in ("dynamodb", "states", "s3", "kms", "events", "sts", "secretsmanager"):
        models.model_of(service)
    hop = Hop(emulator)
    server = await asyncio.get_running_loop().create_server(lambda: Client(hop), "127.0.0.1", port)
    await server.serve_forever()


def report(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url + REPORT, timeout=10) as answer:
        said = json.load(answer)
    for operation, count in said["operations"].items():
        print(f"    {operation:<48} {count:>7}")
    print(f"{sum(said['operations'].values())} requests of {len(said['operations'])} operations were checked")
    for violation, count in said["violations"].items():
        print(f"error: {violation} ({count} times)")
    if not said["operations"] or said["violations"]:
        sys.exit("error: requests to AWS do not fit its service models, or none was checked")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve(int(sys.argv[2]), int(sys.argv[3])))
    else:
        report(sys.argv[2])
