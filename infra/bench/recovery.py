"""Times recovery at the running stack, by kind of injury.

Prints the seconds from the injury to the receipt: median, 99th percentile and longest of RUNS
executions, which are injured at the same time.
"""

import concurrent.futures
import datetime
import hashlib
import json
import os
import time
import urllib.error
import urllib.request
import uuid

import boto3

RUNS = 20
WORKFLOW = "WF-DELAY-VENDOR-PAYMENTS-ACME"
API = os.environ["HOLDFAST_API"]
TENANT = "acme"
# How long the vendor system holds the request that a step waits for.
HANGS_MS = 8000
# Longer than the longest time that docs/rollback.md states.
PATIENCE_S = 900


def send(base, method, path, body=None, **headers):
    headers = {"Authorization": "Bearer " + os.environ["HOLDFAST_TOKEN"], "Content-Type": "application/json", **headers}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or "null")


def view(execution):
    """Returns the execution; nothing before `begin` has recorded it."""
    try:
        return send(API, "GET", f"/v1/executions/{execution}")
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return {}


def awaited(what, ready):
    """Waits until `ready` returns something, and returns it."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = ready()
        if found:
            return found
        time.sleep(0.5)
    raise SystemExit(f"{what} took more than {PATIENCE_S} s")


class Injury:
    """The stack as the injuries reach it."""

    def __init__(self):
        self.states = boto3.client("stepfunctions")
        self.ledger = boto3.client("dynamodb")
        self.table = os.environ["HOLDFAST_LEDGER_TABLE"]
        self.prefix = os.environ["HOLDFAST_MACHINE_PREFIX"]

    def arn(self, machine, name):
        return f"{self.prefix}{machine}:{name}".replace(":stateMachine:", ":execution:", 1)

    def started(self, kind=None):
        """Starts an execution whose notification meets a fault of this kind."""
        vendor = f"bench-{uuid.uuid4()}"
        if kind:
            fault = {"route": "POST /notifications", "count": 1, "kind": kind, "match": vendor}
            send(os.environ["HOLDFAST_VENDOR_SYSTEM"], "POST", "/admin/faults", fault)
        body = {"input": {"vendor_id": vendor, "hold_days": 1}}
        key = {"Idempotency-Key": vendor}
        return send(API, "POST", f"/v1/workflows/{WORKFLOW}/executions", body, **key)["execution_id"]

    def hanging(self):
        execution = self.started({"delay_ms": HANGS_MS})

        def under_way():
            steps = view(execution).get("steps", [])
            return len(steps) > 1 and steps[1]["status"] == "RUNNING"

        awaited("the hanging step", under_way)
        return execution

    def record(self, execution):
        key = {"pk": {"S": f"TENANT#{TENANT}#EXEC#{execution}"}, "sk": {"S": "META"}}
        return self.ledger.get_item(TableName=self.table, Key=key, ConsistentRead=True)["Item"]

    def write(self, execution, change):
        """Writes a record as a function would that dies right after."""
        item = self.record(execution)
        rev = item["rev"]
        item["rev"] = {"N": str(int(rev["N"]) + 1)}
        change(item)
        # The list of urgent looks (`List::Open` in shared/ledger/src/key.rs).
        item["open"] = {"S": f"U{int(execution[0], 16) % 8}"}
        self.ledger.put_item(
            TableName=self.table, Item=item, ConditionExpression="rev = :rev", ExpressionAttributeValues={":rev": rev}
        )

    # The injuries. Each returns the execution, right after its injury.

    def machine_stopped(self):
        execution = self.hanging()
        self.states.stop_execution(executionArn=self.arn(WORKFLOW, execution))
        return execution

    def recovery_stopped(self):
        execution = self.machine_stopped()
        recovery = self.arn("recovery", f"{execution}-1")
        awaited("the recovery", lambda: self.record(execution)["owner"]["S"] == recovery)
        self.states.stop_execution(executionArn=recovery)
        return execution

    def owner_never_began(self):
        """The API dies after it recorded a cancellation."""
        execution = self.hanging()

        def cancelled(item):
            epoch = int(item["epoch"]["N"]) + 1
            failure = {"state": "", "error": "Cancelled", "cause": "bench", "by": "bench"}
            failure = {name: {"S": text} for name, text in failure.items()}
            item["epoch"] = {"N": str(epoch)}
            # The API keeps the first owner as the origin, from which readers derive the machine.
            item.setdefault("origin", item["owner"])
            item["owner"] = {"S": self.arn("recovery", f"{execution}-{epoch}")}
            item["deadline"] = {"S": later(minutes=30)}
            item["phase"] = {"M": {"is": {"S": "unwinding"}, "failure": {"M": failure}}}
            item["due"] = {"S": later(minutes=1)}

        self.write(execution, cancelled)
        return execution

    def receipt_missing(self):
        """`Finish` dies after it recorded the end."""
        execution = self.started()
        awaited("the end", lambda: view(execution).get("receipt"))

        def unsigned(item):
            item["generation"] = {"N": "1"}
            item["phase"]["M"]["at"] = {"S": later()}
            del item["receipt"]
            item["due"] = {"S": later(minutes=5)}

        self.write(execution, unsigned)
        return execution

    def start_unread(self):
        """`Begin` refuses a start after Step Functions accepted it."""
        key = f"bench-{uuid.uuid4()}"
        body = {"tenant": TENANT, "idempotency_key": key, "requested_by": " ", "input": {"vendor_id": key}}
        self.states.start_execution(
            stateMachineArn=self.prefix + WORKFLOW, name=execution_id(key), input=json.dumps(body)
        )
        return execution_id(key)


def execution_id(key):
    """Returns the id that shared/ids/src/keys.rs derives."""
    parts = "".join(f"|{len(part)}:{part}" for part in (TENANT, WORKFLOW, key))
    return hashlib.sha256(f"holdfast:execution{parts}".encode()).hexdigest()[:40]


def later(**time_after):
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(**time_after)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def timed(injure):
    execution = injure()
    began = time.monotonic()

    awaited("the receipt", lambda: view(execution).get("receipt"))
    return time.monotonic() - began


def main():
    injury = Injury()
    kinds = {
        "the state machine is stopped while a step acts": injury.machine_stopped,
        "its recovery is stopped, too": injury.recovery_stopped,
        "the API dies between a cancellation's record and its owner's start": injury.owner_never_began,
        "`Finish` dies between the end and its receipt": injury.receipt_missing,
        "`Begin` cannot read an accepted start": injury.start_unread,
    }
    print("| injury | median s | p99 s | longest s |\n|---|---|---|---|")
    with concurrent.futures.ThreadPoolExecutor(RUNS * len(kinds)) as pool:
        runs = {name: [pool.submit(timed, injure) for _ in range(RUNS)] for name, injure in kinds.items()}
        for name, timings in runs.items():
            took = sorted(timing.result() for timing in timings)
            p99 = took[min(len(took) - 1, int(len(took) * 0.99))]
            print(f"| {name} | {took[len(took) // 2]:.1f} | {p99:.1f} | {took[-1]:.1f} |")


if __name__ == "__main__":
    main()
