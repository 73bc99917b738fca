"""Queues for tests that receive the stack's events.

`hear NAME SOURCE` creates a queue behind a rule on the stack's event bus. `drain NAME` prints every
message body, one a line, until the queue stays empty. `end NAME` removes queue and rule. `own LOGICAL`
prints the name of one of the stack's own queues. `subscribe NAME` creates a queue behind the stack's
topic of incidents.
"""

import json
import os
import sys

import boto3

endpoint = os.environ["AWS_ENDPOINT_URL"]
sqs = boto3.client("sqs", endpoint_url=endpoint)
events = boto3.client("events", endpoint_url=endpoint)
bus = os.environ["HOLDFAST_EVENT_BUS"]


def make(name):
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def subscribe(name):
    sns = boto3.client("sns", endpoint_url=endpoint)
    # `make up` created the topic; creating it again returns its ARN.
    topic = sns.create_topic(Name=os.environ["HOLDFAST_STACK"] + "-incidents")["TopicArn"]
    queue, raw = make(name), {"RawMessageDelivery": "true"}
    allowed = {
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": queue, "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=raw)


def hear(name, source):
    arn = make(name)
    pattern = json.dumps({"source": [source]})
    events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])


def drain(name):
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    empty = 0
    while empty < 2:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        messages = answer.get("Messages", [])
        empty = 0 if messages else empty + 1
        for message in messages:
            print(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def own(logical):
    cloudformation = boto3.client("cloudformation", endpoint_url=endpoint)
    stack = os.environ["HOLDFAST_STACK"]
    found = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=logical)
    print(found["StackResourceDetail"]["PhysicalResourceId"].rsplit("/", 1)[-1])


def end(name):
    for rule in events.list_rules(NamePrefix=name, EventBusName=bus)["Rules"]:
        events.remove_targets(Rule=rule["Name"], EventBusName=bus, Ids=["queue"])
        events.delete_rule(Name=rule["Name"], EventBusName=bus)
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])


{"hear": hear, "drain": drain, "end": end, "own": own, "subscribe": subscribe}[sys.argv[1]](*sys.argv[2:])
