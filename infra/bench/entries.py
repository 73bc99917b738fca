"""Counts one execution's entries on the audit bus of the running stack, by AuditStepEvents.

The audit function runs with each value of the parameter, as a deployment with it does. It reads no
change while an execution runs, and all changes of the execution together afterwards. So step events
of one execution share as many entries as they can. On AWS, `AuditBatchSeconds` divides the changes
of a longer execution into several batches.
"""

import collections
import contextlib
import json
import os
import time
import uuid

import boto3

MODES = ("events", "archive", "batch", "off")
VARIABLE = "HOLDFAST_AUDIT_STEP_EVENTS"
# The events of the specification, which exist in every mode. Completed steps may share an entry.
SPECIFIED = ("workflow.started", "workflow.step.completed", "workflow.receipt.generated")
LAST = "workflow.receipt.generated"
# Seconds until an execution's last event must have reached the bus.
PATIENCE = 180


class AuditFunction:
    """The audit function, and its reader of the ledger's stream."""

    def __init__(self):
        self.client = boto3.client("lambda")
        self.name = f"{os.environ['HOLDFAST_STACK']}-audit"
        [mapping] = self.client.list_event_source_mappings(FunctionName=self.name)["EventSourceMappings"]
        self.mapping = mapping["UUID"]
        configuration = self.client.get_function_configuration(FunctionName=self.name)
        self.variables = configuration["Environment"]["Variables"]

    @contextlib.contextmanager
    def silent(self):
        """Reads no change of the ledger meanwhile."""
        self._read(False)
        try:
            yield
        finally:
            self._read(True)

    def _read(self, enabled):
        self.client.update_event_source_mapping(UUID=self.mapping, Enabled=enabled)

    @contextlib.contextmanager
    def publishing(self, mode):
        """Publishes step events in this mode meanwhile."""
        self.set(self.variables | {VARIABLE: mode})
        try:
            yield
        finally:
            self.set(self.variables)

    def set(self, variables):
        self.client.update_function_configuration(FunctionName=self.name, Environment={"Variables": variables})


@contextlib.contextmanager
def bus_queue():
    """A queue that receives each entry of the audit bus from now on."""
    events, sqs = boto3.client("events"), boto3.client("sqs")
    name, bus = f"bench-{uuid.uuid4()}", os.environ["HOLDFAST_AUDIT_BUS"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps({"source": ["holdfast"]}))
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    try:
        yield url
    finally:
        events.remove_targets(Rule=name, EventBusName=bus, Ids=["queue"])
        events.delete_rule(Name=name, EventBusName=bus)
        sqs.delete_queue(QueueUrl=url)


def received(url):
    """Returns the entries that wait in the queue, and removes them."""
    sqs, entries = boto3.client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            entries.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return entries


def events_of(entry):
    """Returns the events of an entry: those that share it, or its own one."""
    detail = entry["detail"]
    return detail["events"] if "events" in detail else [detail]


def entries_of(url, execution):
    """Returns the kinds of an execution's entries and events, once the last one has arrived."""
    kinds, events = collections.Counter(), {}
    until = time.time() + PATIENCE
    while LAST not in kinds:
        if time.time() > until:
            raise SystemExit(f"the bus had only {dict(kinds)} of {execution} after {PATIENCE} s")
        for entry in received(url):
            own = [event for event in events_of(entry) if event.get("subject") == execution]
            kinds[entry["detail-type"]] += bool(own)
            events |= {event["id"]: event["type"] for event in own}
        kinds = +kinds
        time.sleep(0.2)
    return kinds, collections.Counter(events.values())


def count(run, machines):
    """Prints the entries of one execution of each machine, by mode.

    `run` runs one and returns its id.
    """
    audit = AuditFunction()
    print("| `AuditStepEvents` | " + " | ".join(f"{column}: entries (events)" for column in machines) + " |")
    print("|---|" + "---|" * len(machines))
    missing = []
    with bus_queue() as url:
        for mode in MODES:
            with audit.publishing(mode):
                cells = []
                for column, machine in machines.items():
                    with audit.silent():
                        execution = run(machine)
                    kinds, events = entries_of(url, execution)
                    cells.append(f"{kinds.total()} ({events.total()})")
                    missing += [f"{kind} with {mode} at {column}" for kind in SPECIFIED if not events[kind]]
                print(f"| `{mode}` | " + " | ".join(cells) + " |")
    if missing:
        raise SystemExit("no event of the specification: " + ", ".join(missing))
