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
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}

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


def recorded():
    """Every API call that the emulator has recorded, by event id."""
    pages = boto3.client("cloudtrail").get_paginator("lookup_events")
    events = {}
    for page in pages.paginate():
        for event in page["Events"]:
            events[event["EventId"]] = (event["EventSource"].split(".")[0], event["EventName"])
    return events


def target_requests(team):
    with urllib.request.urlopen(os.environ["HOLDFAST_VENDOR_SYSTEM"] + f"/admin/requests?team={team}") as answer:
        return len(json.load(answer)["requests"])


def measure(machine, n):
    """Counts per execution, the mean of RUNS executions after one that warms up."""
    run(machine)
    before_http = target_requests(f"bench-{n}")
    configure("cloudtrail._recording_enabled", "true")
    before = set(recorded())
    executions = [run(machine) for _ in range(RUNS)]
    calls = [call for event, call in recorded().items() if event not in before]
    configure("cloudtrail._recording_enabled", "false")
    types = [kind for execution in executions for kind in history(execution)]

    def per(count):
        return f"{count / RUNS:g}"

    return {
        "state transitions": (per(sum(kind.endswith("StateEntered") for kind in types)), n + 2),
        "Lambda invocations": (per(sum(kind in ("TaskScheduled", "LambdaFunctionScheduled") for kind in types)), n + 2),
        "ledger writes": (per(sum(s == "dynamodb" and name in WRITES for s, name in calls)), 2 * n + 3),
        "ledger reads": (per(sum(call == ("dynamodb", "GetItem") for call in calls)), n),
        "ledger queries": (per(sum(call == ("dynamodb", "Query") for call in calls)), 1),
        "S3 requests": (per(sum(s == "s3" for s, _ in calls)), 1),
        "HTTP requests to targets": (per(target_requests(f"bench-{n}") - before_http), n),
    }


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
