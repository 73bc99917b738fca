"""Counts what one execution costs, at the running stack: transitions, invocations, ledger and S3 requests, HTTP requests."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request
import uuid

import boto3

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEPS = (2, 5, 20)
RUNS = 5
# What is counted of each API; a lookup answers the newest 50 calls of a name, more than an execution here makes.
COUNTED = {
    "ledger writes": ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"),
    "ledger reads": ("GetItem", "BatchGetItem", "Scan"),
    "ledger queries": ("Query",),
    "S3 requests": ("PutObject", "GetObject", "HeadObject", "DeleteObject", "ListObjectsV2"),
}

WORKFLOW = """workflow: WF-BENCH-{n}
version: 1
input: {{ type: object }}
steps:
"""
STEP = """  - name: notify_{i}
    action: http
    input: {{ method: POST, url: "${{VendorSystemUrl}}/notifications", body: {{ team: bench-{n}, message: "{i}" }} }}
    irreversible: true
"""


def compiled(holdfast):
    """The machines of plain workflows with N steps, compiled by the real command in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        project = pathlib.Path(folder)
        shutil.copy(ROOT / "template.yaml", project)
        (project / "workflows").mkdir()
        (project / "infra/statemachines").mkdir(parents=True)
        for n in STEPS:
            text = WORKFLOW.format(n=n) + "".join(STEP.format(i=i, n=n) for i in range(1, n + 1))
            (project / f"workflows/bench-{n}.yaml").write_text(text)
        subprocess.run([holdfast, "compile"], cwd=project, check=True, stdout=subprocess.DEVNULL)
        return {n: (project / f"infra/statemachines/WF-BENCH-{n}.asl.json").read_text() for n in STEPS}


def deploy(definition, n):
    """Creates the machine beside the stack's own, calling the stack's functions."""
    stack, prefix = os.environ["HOLDFAST_STACK"], os.environ["HOLDFAST_MACHINE_PREFIX"]
    function = prefix.replace(":states:", ":lambda:").replace(":stateMachine:", ":function:")
    for name, value in {
        "BeginFunctionArn": function + "begin",
        "FinishFunctionArn": function + "finish",
        "PlanFunctionArn": function + "plan",
        "StepHttpArn": function + "step-http",
        "VendorSystemUrl": os.environ["HOLDFAST_VENDOR_SYSTEM"],
    }.items():
        definition = definition.replace("${" + name + "}", value)
    account = prefix.split(":")[4]
    return boto3.client("stepfunctions").create_state_machine(
        name=f"{stack}-WF-BENCH-{n}",
        definition=definition,
        roleArn=f"arn:aws:iam::{account}:role/bench",
    )["stateMachineArn"]


def run(machine):
    """Runs one execution to its end and gives its ARN."""
    states = boto3.client("stepfunctions")
    start = {"tenant": "bench", "idempotency_key": str(uuid.uuid4()), "input": {}}
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps(start))["executionArn"]
    while (status := states.describe_execution(executionArn=execution)["status"]) == "RUNNING":
        time.sleep(0.2)
    assert status == "SUCCEEDED", f"{execution} ended {status}"
    return execution


def history(execution):
    pages = boto3.client("stepfunctions").get_paginator("get_execution_history")
    return [event["type"] for page in pages.paginate(executionArn=execution) for event in page["events"]]


def configure(key, value):
    body = json.dumps({key: value}).encode()
    url = os.environ["AWS_ENDPOINT_URL"] + "/_ministack/config"
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, body, headers)).close()


def recorded(names):
    """The ids of the newest API calls of these names that the emulator has recorded."""
    trail = boto3.client("cloudtrail")
    asked = ([{"AttributeKey": "EventName", "AttributeValue": name}] for name in names)
    return {event["EventId"] for one in asked for event in trail.lookup_events(LookupAttributes=one)["Events"]}


def target_requests(team):
    with urllib.request.urlopen(os.environ["HOLDFAST_VENDOR_SYSTEM"] + f"/admin/requests?team={team}") as answer:
        return len(json.load(answer)["requests"])


def measure(machine, n):
    """Counts per execution, the mean of RUNS executions after one that warms up."""
    budgets = {
        "state transitions": n + 2,
        "Lambda invocations": n + 2,
        "ledger writes": 2 * n + 3,
        "ledger reads": n,
        "ledger queries": 1,
        "S3 requests": 1,
        "HTTP requests to targets": n,
    }
    totals = dict.fromkeys(budgets, 0)
    run(machine)
    configure("cloudtrail._recording_enabled", "true")
    for _ in range(RUNS):
        before = {row: recorded(names) for row, names in COUNTED.items()}
        requests = target_requests(f"bench-{n}")
        types = history(run(machine))
        totals["state transitions"] += sum(kind.endswith("StateEntered") for kind in types)
        totals["Lambda invocations"] += sum(kind in ("TaskScheduled", "LambdaFunctionScheduled") for kind in types)
        totals["HTTP requests to targets"] += target_requests(f"bench-{n}") - requests
        for row, names in COUNTED.items():
            totals[row] += len(recorded(names) - before[row])
    configure("cloudtrail._recording_enabled", "false")
    return {row: (f"{total / RUNS:g}", budgets[row]) for row, total in totals.items()}


def main():
    holdfast = os.environ["HOLDFAST_CLI"]
    machines = {n: deploy(definition, n) for n, definition in compiled(holdfast).items()}
    tables = {n: measure(machine, n) for n, machine in machines.items()}
    print("| per execution | " + " | ".join(f"N = {n} (budget)" for n in STEPS) + " |")
    print("|---|" + "---|" * len(STEPS))
    for row in tables[STEPS[0]]:
        cells = [f"{tables[n][row][0]} ({tables[n][row][1]})" for n in STEPS]
        print(f"| {row} | " + " | ".join(cells) + " |")
    over = [f"{row} at N = {n}" for n in STEPS for row, (count, budget) in tables[n].items() if float(count) > budget]
    if over:
        raise SystemExit("over budget: " + ", ".join(over))


if __name__ == "__main__":
    main()
