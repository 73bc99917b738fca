"""The same step by Powertools for Python: one idempotent call of a target, recorded in a table."""

import json
import os

import urllib3
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent

TARGETS = urllib3.PoolManager()
RECORDS = DynamoDBPersistenceLayer(table_name=os.environ["HOLDFAST_LEDGER_TABLE"])


@idempotent(persistence_store=RECORDS, config=IdempotencyConfig(event_key_jmespath="[execution, step.name]"))
def handler(event, context):
    call = event["input"]
    headers = {"Content-Type": "application/json", "Idempotency-Key": event["execution"]["id"]}
    answer = TARGETS.request(call["method"], call["url"], body=json.dumps(call["body"]), headers=headers)
    return {"status": answer.status, "body": json.loads(answer.data)}
