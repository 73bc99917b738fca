"""Counts write units, audit events and bytes of logs of executions at the running stack.

The units are those of the items that the functions wrote. The table's stream has every item before
and after each write. Each write is repeated in a table like the stack's, and the emulator returns
the consumed capacity of the table and of each index. It does so by the sizes that AWS documents:
docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html. It counts no
sizes of reads, so that read units come from `holdfast cost` alone.
"""

import json
import os
import time
import urllib.request
import uuid

import boto3

# The first words of the lines of Lambda itself.
PLATFORM = ("INIT_START ", "START RequestId", "END RequestId", "REPORT RequestId")
FUNCTIONS = ("begin", "step-http", "step-vendor-hold", "plan", "finish")
COPIES = 16


def stream_records():
    """Returns what the stream of the ledger's table has, oldest first."""
    streams = boto3.client("dynamodbstreams")
    table = boto3.client("dynamodb").describe_table(TableName=os.environ["HOLDFAST_LEDGER_TABLE"])["Table"]
    arn = table["LatestStreamArn"]
    records = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            page = streams.get_records(ShardIterator=iterator)
            if not page["Records"]:
                break
            records += page["Records"]
            iterator = page.get("NextShardIterator")
    return records


class Twin:
    """A table with the keys and indexes of the stack's, in which writes are repeated."""

    def __init__(self):
        self.client = boto3.client("dynamodb")
        self.name = f"bench-{uuid.uuid4()}"
        table = self.client.describe_table(TableName=os.environ["HOLDFAST_LEDGER_TABLE"])["Table"]
        indexes = [
            {member: index[member] for member in ("IndexName", "KeySchema", "Projection")}
            for index in table["GlobalSecondaryIndexes"]
        ]
        self.client.create_table(
            TableName=self.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=table["AttributeDefinitions"],
            KeySchema=table["KeySchema"],
            GlobalSecondaryIndexes=indexes,
        )

    def units(self, records):
        """Repeats the writes, and returns the units of the table and of its indexes."""
        table = indexes = 0
        for record in records:
            image = record["dynamodb"]["NewImage"]
            answer = self.client.put_item(TableName=self.name, Item=image, ReturnConsumedCapacity="INDEXES")
            capacity = answer["ConsumedCapacity"]
            table += capacity["Table"]["CapacityUnits"]
            of_indexes = capacity.get("GlobalSecondaryIndexes", {}).values()
            indexes += sum(index["CapacityUnits"] for index in of_indexes)
        return table, indexes

    def delete(self):
        self.client.delete_table(TableName=self.name)


def events(tenant, execution):
    """Returns the number of the execution's audit events."""
    url = f"{os.environ['HOLDFAST_API']}/v1/executions/{execution}/events?tenant={tenant}"
    headers = {"Authorization": "Bearer " + os.environ["HOLDFAST_TOKEN_PLATFORM_ADMIN"]}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        return len(json.load(answer)["events"])


def log_bytes(since_ms, functions=FUNCTIONS):
    """Returns the number of lines that the functions logged since a time, and their bytes.

    Without the lines of Lambda itself, which the emulator always writes, and a deployment with
    SystemLogLevel=INFO alone.
    """
    logs = boto3.client("logs")
    lines = size = 0
    for function in functions:
        group = f"/aws/lambda/{os.environ['HOLDFAST_STACK']}-{function}"
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since_ms)
        for event in (event for page in pages for event in page["events"]):
            if event["message"].startswith(PLATFORM):
                continue
            lines += 1
            size += len(event["message"].encode())
    return lines, size


def use_copies():
    """Ends the probation of the copies of the controls.

    No program of an earlier release changes controls of this stack. The sweep must not run
    meanwhile.
    """
    client = boto3.client("dynamodb")
    table = os.environ["HOLDFAST_LEDGER_TABLE"]
    for number in range(COPIES):
        key = {"pk": {"S": f"CONTROL#COPY#{number:02}"}, "sk": {"S": "META"}}
        client.update_item(
            TableName=table,
            Key=key,
            ConditionExpression="attribute_exists(pk)",
            UpdateExpression="SET #from = :from",
            ExpressionAttributeNames={"#from": "from"},
            ExpressionAttributeValues={":from": {"S": "2026-01-01T00:00:00Z"}},
        )


def wait_for_copies():
    """Waits for the first check of the copies by the sweep, which runs every minute."""
    client = boto3.client("dynamodb")
    key = {"pk": {"S": "CONTROL#COPY#00"}, "sk": {"S": "META"}}
    for _ in range(180):
        if "Item" in client.get_item(TableName=os.environ["HOLDFAST_LEDGER_TABLE"], Key=key, ConsistentRead=True):
            return
        time.sleep(1)
    raise SystemExit("the sweep has not made the copies of the controls")
