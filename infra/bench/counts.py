"""Counts transitions, requests, units, events and bytes of logs of one execution at the running stack.

Covers executions that succeed and executions that are rolled back. `holdfast cost` counts the same
runs in process. Its units and events are the budget of those that are counted here. The last table
has the entries on the audit bus (`entries.py`).
"""

import contextlib
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
import entries
import units

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEPS = (2, 5, 20)
UNDONE = (1, 5)
RUNS = 5
# The shipped workflow with steps of `http` and `vendor-hold`.
SHIPPED = "WF-DELAY-VENDOR-PAYMENTS-ACME"
# The counted calls of each API. A lookup returns the newest 50 calls of a name, more than an
# execution here makes.
COUNTED = {
    "ledger writes": ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"),
    "ledger reads": ("GetItem", "BatchGetItem", "Scan"),
    "ledger queries": ("Query",),
    "S3 requests": ("PutObject", "GetObject", "HeadObject", "DeleteObject", "ListObjectsV2"),
    "KMS requests": ("Sign", "GetPublicKey"),
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
ROLLBACK = """workflow: WF-BENCH-ROLLBACK-{n}
version: 1
input: {{ type: object }}
steps:
"""
HOLD = """  - name: hold_{i}
    action: vendor-hold
    input: {{ vendor_id: bench-{n}-{i}, days: 1 }}
    rollback: {{}}
"""
REFUSED = """  - name: refused
    action: http
    input: { method: POST, url: "${VendorSystemUrl}/nothing-is-here", body: {} }
    irreversible: true
"""


def workflows():
    """Returns definitions by id.

    Each has N plain steps, or K steps that are undone because the last step is refused.
    """
    texts = {f"WF-BENCH-{n}": WORKFLOW.format(n=n) + "".join(STEP.format(i=i, n=n) for i in range(n)) for n in STEPS}
    for n in UNDONE:
        text = ROLLBACK.format(n=n) + "".join(HOLD.format(i=i, n=n) for i in range(n)) + REFUSED
        texts[f"WF-BENCH-ROLLBACK-{n}"] = text
    return texts


def compiled(holdfast):
    """Returns the state machines and the counted units of each workflow, both by the real command."""
    with tempfile.TemporaryDirectory() as folder:
        project = pathlib.Path(folder)
        shutil.copy(ROOT / "template.yaml", project)
        (project / "workflows").mkdir()
        (project / "infra/statemachines").mkdir(parents=True)
        for name, text in workflows().items():
            (project / f"workflows/{name}.yaml").write_text(text)
        subprocess.run([holdfast, "compile"], cwd=project, check=True, stdout=subprocess.DEVNULL)
        return {
            name: ((project / f"infra/statemachines/{name}.asl.json").read_text(), billed(holdfast, project, name))
            for name in workflows()
        }


def billed(holdfast, project, name):
    """Returns the units of a success, or of the failure of the last step, as the command counts them."""
    command = [holdfast, "cost", f"workflows/{name}.yaml", "--json", "--step-events", "events"]
    bill = json.loads(subprocess.run(command, cwd=project, check=True, stdout=subprocess.PIPE).stdout)
    return {item["unit"]: item["count"] for item in bill["ends"][0 if "ROLLBACK" not in name else -1]["items"]}


def deploy(definition, name):
    """Creates a state machine that calls the stack's functions.

    It has the role of a shipped workflow with the same steps, so that the stack may enforce IAM.
    """
    states = boto3.client("stepfunctions")
    stack, prefix = os.environ["HOLDFAST_STACK"], os.environ["HOLDFAST_MACHINE_PREFIX"]
    function = prefix.replace(":states:", ":lambda:").replace(":stateMachine:", ":function:")
    for place, value in {
        "BeginFunctionArn": function + "begin",
        "FinishFunctionArn": function + "finish",
        "PlanFunctionArn": function + "plan",
        "StepHttpArn": function + "step-http",
        "StepVendorHoldArn": function + "step-vendor-hold",
        "VendorSystemUrl": os.environ["HOLDFAST_VENDOR_SYSTEM"],
    }.items():
        definition = definition.replace("${" + place + "}", value)
    shipped = states.describe_state_machine(stateMachineArn=prefix + SHIPPED)
    return states.create_state_machine(
        name=f"{stack}-{name}",
        definition=definition,
        roleArn=shipped["roleArn"],
    )["stateMachineArn"]


def run(machine):
    """Runs one Step Functions execution to its end, and returns its ARN and status.

    Its input has what the API adds to a start, so that records are as long.
    """
    states = boto3.client("stepfunctions")
    start = {
        "tenant": "bench",
        "idempotency_key": str(uuid.uuid4()),
        "input": {},
        "via": "api",
        "requested_by": str(uuid.uuid4()),
        "request_id": str(uuid.uuid4()),
        "trace": uuid.uuid4().hex,
    }
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps(start))["executionArn"]
    while (status := states.describe_execution(executionArn=execution)["status"]) == "RUNNING":
        time.sleep(0.2)
    return execution, status


def history(execution):
    pages = boto3.client("stepfunctions").get_paginator("get_execution_history")
    return [event["type"] for page in pages.paginate(executionArn=execution) for event in page["events"]]


def configure(key, value):
    body = json.dumps({key: value}).encode()
    url = os.environ["AWS_ENDPOINT_URL"] + "/_ministack/config"
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, body, headers)).close()


def recorded(names):
    """Returns the ids of the newest API calls of these names that the emulator recorded."""
    trail = boto3.client("cloudtrail")
    asked = ([{"AttributeKey": "EventName", "AttributeValue": name}] for name in names)
    return {event["EventId"] for one in asked for event in trail.lookup_events(LookupAttributes=one)["Events"]}


def target_requests(team):
    query = f"?team={team}" if team else ""
    with urllib.request.urlopen(os.environ["HOLDFAST_VENDOR_SYSTEM"] + f"/admin/requests{query}") as answer:
        return len(json.load(answer)["requests"])


def own_records():
    """Returns the writes of the tenant of this program, from the table's stream."""
    records = units.stream_records()
    return [one for one in records if one["dynamodb"]["Keys"]["pk"]["S"].startswith("TENANT#bench#")]


def execution_of(record):
    _, _, execution = record["dynamodb"]["Keys"]["pk"]["S"].partition("#EXEC#")
    return execution or None


def run_alone(machine):
    """Runs one execution, while no other one of the tenant runs, and returns its id."""
    earlier = len(own_records())
    run(machine)
    [execution] = {execution_of(record) for record in own_records()[earlier:]} - {None}
    return execution


def measure(machine, ends, budgets, twin, team=None):
    """Returns the mean counts of RUNS executions after one that warms up.

    A budget of None sets no bound.
    """
    totals = dict.fromkeys(budgets, 0)
    run(machine)
    earlier = len(own_records())
    began = int(time.time() * 1000)
    configure("cloudtrail._recording_enabled", "true")
    for _ in range(RUNS):
        before = {row: recorded(names) for row, names in COUNTED.items()}
        requests = target_requests(team)
        execution, status = run(machine)
        assert status == ends, f"{execution} ended {status}"
        types = history(execution)
        totals["state transitions"] += sum(kind.endswith("StateEntered") for kind in types)
        totals["Lambda invocations"] += sum(kind in ("TaskScheduled", "LambdaFunctionScheduled") for kind in types)
        totals["HTTP requests to targets"] += target_requests(team) - requests
        for row, names in COUNTED.items():
            totals[row] += len(recorded(names) - before[row])
    configure("cloudtrail._recording_enabled", "false")
    records = own_records()[earlier:]
    totals["write units of the table"], totals["write units of indexes"] = twin.units(records)
    executions = {execution_of(record) for record in records} - {None}
    totals["audit events"] = sum(units.events("bench", execution) for execution in executions)
    _, totals["bytes of logs"] = units.log_bytes(began)
    means = {row: total / RUNS for row, total in totals.items()}
    means["bytes of logs"] = round(means["bytes of logs"])
    return {row: (mean, budgets[row]) for row, mean in means.items()}


def executed(n, billed):
    return {
        "state transitions": n + 2,
        "Lambda invocations": n + 2,
        "ledger writes": 2 * n + 3,
        "ledger reads": n + 2,
        "ledger queries": 1,
        "S3 requests": 1,
        "KMS requests": 0,
        "HTTP requests to targets": n,
        "write units of the table": billed["write units of the table"],
        "write units of indexes": billed["write units of indexes"],
        "audit events": billed["events on the bus"],
        "bytes of logs": None,
    }


def rolled_back(k, billed):
    """Returns the budget of K undone steps and the refused one.

    It is the forward cost, plus 3 + K transitions and 2K + 2 ledger writes for the rollback.
    """
    forward = executed(k + 1, billed)
    return dict.fromkeys(forward) | {
        "state transitions": forward["state transitions"] + 3 + k,
        "ledger writes": forward["ledger writes"] + 2 * k + 2,
    }


def table(title, tables):
    """Prints one table, and returns the counts that exceed their budget."""
    print(f"| {title} | " + " | ".join(f"{column} (budget)" for column in tables) + " |")
    print("|---|" + "---|" * len(tables))
    for row in next(iter(tables.values())):
        counts = [table[row] for table in tables.values()]
        cells = [f"{count:,g}" if most is None else f"{count:,g} ({most:,g})" for count, most in counts]
        print(f"| {row} | " + " | ".join(cells) + " |")
    return [
        f"{row} at {column}"
        for column, rows in tables.items()
        for row, (count, most) in rows.items()
        if most is not None and count > most
    ]


@contextlib.contextmanager
def alone():
    """Disables the audit function and the sweep meanwhile.

    Their requests belong to no single execution. Afterwards they catch up.
    """
    functions, events = boto3.client("lambda"), boto3.client("events")
    stack = os.environ["HOLDFAST_STACK"]
    stream = functions.list_event_source_mappings(FunctionName=f"{stack}-audit")["EventSourceMappings"][0]["UUID"]
    [sweep] = events.list_rules(NamePrefix=f"{stack}-SweepRule")["Rules"]
    functions.update_event_source_mapping(UUID=stream, Enabled=False)
    events.disable_rule(Name=sweep["Name"])
    try:
        yield
    finally:
        events.enable_rule(Name=sweep["Name"])
        functions.update_event_source_mapping(UUID=stream, Enabled=True)


def main():
    units.wait_for_copies()
    with alone():
        units.use_copies()
        twin = units.Twin()
        try:
            count(twin)
        finally:
            twin.delete()


def register(tenant):
    """Registers a tenant by a request of a platform admin."""
    url = f"{os.environ['HOLDFAST_API']}/v1/tenants/{tenant}"
    headers = {"Authorization": "Bearer " + os.environ["HOLDFAST_TOKEN_PLATFORM_ADMIN"]}
    urllib.request.urlopen(urllib.request.Request(url, headers=headers, method="PUT")).close()


def count(twin):
    holdfast = os.environ["HOLDFAST_CLI"]
    register("bench")
    built = compiled(holdfast)
    machines = {name: deploy(definition, name) for name, (definition, _) in built.items()}
    bills = {name: billed for name, (_, billed) in built.items()}

    def measured(name, ends, budgets, team=None):
        """Returns the counts of a workflow, and the read units, which the emulator does not count."""
        counts = measure(machines[name], ends, budgets, twin, team)
        return counts | {"read units, by `holdfast cost`": (round(bills[name]["read units"], 2), None)}

    executions = {
        f"N = {n}": measured(name, "SUCCEEDED", executed(n, bills[name]), f"bench-{n}")
        for n, name in ((n, f"WF-BENCH-{n}") for n in STEPS)
    }
    over = table("per executed execution", executions)
    print()
    rollbacks = {
        f"K = {k}": measured(name, "FAILED", rolled_back(k, bills[name]))
        for k, name in ((k, f"WF-BENCH-ROLLBACK-{k}") for k in UNDONE)
    }
    over += table("per rolled-back execution", rollbacks)
    print()
    entries.count(run_alone, {f"N = {n}": machines[f"WF-BENCH-{n}"] for n in STEPS})
    if over:
        raise SystemExit("over budget: " + ", ".join(over))


if __name__ == "__main__":
    main()
