"""The account under check: its clients, the checks' requests, and the removal of what they made."""

import base64
import json
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

# Types that a stack retains or leaves, and that belong to the check alone.
REMOVED = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Logs::LogGroup")
BUSES = ("AWS::Events::Archive", "AWS::Events::EventBus")


def encoded(part):
    """A part of a token: JSON in base64url without padding."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


class Account:
    """The account of the credentials, in one region."""

    def __init__(self, region):
        path = Config(s3={"addressing_style": "path"})
        session = boto3.Session(region_name=region)
        client = session.client
        self.stacks, self.states = client("cloudformation"), client("stepfunctions")
        self.dynamodb, self.events, self.iam = client("dynamodb"), client("events"), client("iam")
        self.lambdas, self.sts, self.kms = client("lambda"), client("sts"), client("kms")
        self.logs, self.s3 = client("logs"), client("s3", config=path)
        self.region = region
        self.id = self.sts.get_caller_identity()["Account"]
        # Pairs of a type and a physical id, of every deployment.
        self.made = set()

    def outputs(self, stack):
        described = self.stacks.describe_stacks(StackName=stack)["Stacks"][0]
        return {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}

    def remember(self, stack):
        """Keeps the ids of the stack's resources, which CloudFormation forgets with the stack."""
        pages = self.stacks.get_paginator("list_stack_resources").paginate(StackName=stack)
        for one in (one for page in pages for one in page["StackResourceSummaries"]):
            if one.get("PhysicalResourceId"):
                self.made.add((one["ResourceType"], one["PhysicalResourceId"]))

    def register(self, table, tenant):
        """Registers a tenant, as PUT /v1/tenants does."""
        texts = {"pk": "TENANTS", "sk": tenant, "tenant": tenant, "state": "open", "by": "aws-check"}
        texts["at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        item = {name: {"S": text} for name, text in texts.items()}
        self.dynamodb.put_item(TableName=table, Item=item | {"rev": {"N": "1"}})

    def items(self, table, pk, prefix):
        found = self.dynamodb.query(
            TableName=table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={":pk": {"S": pk}, ":sk": {"S": prefix}},
        )
        return found["Items"]

    def invoke_start(self, function, path, key, body, claims):
        """Calls the function `start` as API Gateway does after it has verified a token."""
        route = "POST /v1/workflows/{workflow_id}/executions"
        http = {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "check"}
        context = {"accountId": self.id, "apiId": "check", "domainName": "check", "domainPrefix": "check"}
        context |= {"http": http, "requestId": key, "routeKey": route, "stage": "$default"}
        context |= {"time": "01/Jan/2026:09:00:00 +0000", "timeEpoch": 1767258000000}
        context["authorizer"] = {"jwt": {"claims": claims, "scopes": None}}
        event = {"version": "2.0", "routeKey": route, "rawPath": path, "rawQueryString": ""}
        token = f"Bearer {encoded({'alg': 'none'})}.{encoded(claims)}."
        event |= {"headers": {"authorization": token, "content-type": "application/json", "idempotency-key": key}}
        event |= {"requestContext": context, "isBase64Encoded": False, "body": body}
        answer = json.load(self.lambdas.invoke(FunctionName=function, Payload=json.dumps(event))["Payload"])
        return answer.get("statusCode"), json.loads(answer.get("body") or "{}") or answer

    def delete_stack(self, stack):
        self.stacks.delete_stack(StackName=stack)
        self.stacks.get_waiter("stack_delete_complete").wait(StackName=stack)

    def delete_buses(self):
        """Deletes the archives and then the buses, which a deleted stack retains."""
        for kind in BUSES:
            for one in [name for of, name in self.made if of == kind]:
                try:
                    self.delete(kind, one)
                except ClientError as error:
                    if "NotFound" not in error.response["Error"]["Code"]:
                        raise
                self.made.discard((kind, one))

    def delete(self, kind, name):
        if kind == "AWS::Events::Archive":
            self.events.delete_archive(ArchiveName=name)
        elif kind == "AWS::Events::EventBus":
            self.delete_bus(name)
        elif kind == "AWS::DynamoDB::Table":
            self.dynamodb.delete_table(TableName=name)
        elif kind == "AWS::KMS::Key":
            self.kms.schedule_key_deletion(KeyId=name, PendingWindowInDays=7)
        elif kind == "AWS::Logs::LogGroup":
            self.logs.delete_log_group(logGroupName=name)
        elif kind == "AWS::S3::Bucket":
            pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=name)
            for page in pages:
                for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
                    self.s3.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
            self.s3.delete_bucket(Bucket=name)

    def delete_bus(self, name):
        """Deletes a bus, which the rule of its deleted archive may hold for a while."""
        for left in range(12, -1, -1):
            try:
                return self.events.delete_event_bus(Name=name)
            except ClientError as error:
                if left == 0 or "NotFound" in error.response["Error"]["Code"]:
                    raise
                time.sleep(10)

    def clean(self, stack):
        """Removes the stack and everything that it retained; returns what could not be removed."""
        left = []
        try:
            self.remember(stack)
            self.delete_stack(stack)
        except (ClientError, WaiterError) as error:
            if "does not exist" not in str(error):
                left.append(f"stack {stack}: {error}")
        for kind in BUSES + REMOVED:
            for name in sorted(name for of, name in self.made if of == kind):
                try:
                    self.delete(kind, name)
                except ClientError as error:
                    code = error.response["Error"]["Code"]
                    gone = ("NotFound", "NoSuchBucket", "KMSInvalidState")
                    if not any(word in code for word in gone):
                        left.append(f"{kind} {name}: {error}")
        return "".join(f"\nLEFT: {one}" for one in left)


def tenant_session(account, outputs, policy, failure, only=None):
    """Assumes the tenants' role for tenant check-a, and asks for its own keys and for check-b's.

    `only` names the one request that is made, where IAM does not judge the others.
    """
    role = outputs["TenantRoleArn"]
    name = role.rsplit("/", 1)[1]
    # The role trusts the API's functions alone; this stack's may trust the account too.
    trust = account.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    ours = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account.id}:root"}, "Action": "sts:AssumeRole"}
    trust["Statement"] = [*trust["Statement"], ours]
    account.iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    given = assumed(account, role, policy)
    keys = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    session = boto3.Session(region_name=account.region, **dict(zip(names, (given[key] for key in keys))))
    dynamodb, table = session.client("dynamodb"), outputs["LedgerTable"]
    s3 = session.client("s3", config=Config(s3={"addressing_style": "path"}))

    def query(index, attribute, key):
        names, values = {"#k": attribute}, {":k": {"S": key}}
        dynamodb.query(
            TableName=table, IndexName=index, KeyConditionExpression="#k = :k",
            ExpressionAttributeNames=names, ExpressionAttributeValues=values,
        )

    def requests(tenant):
        item = {"pk": {"S": f"TENANT#{tenant}#EXEC#0"}, "sk": {"S": "META"}}
        executions = f"TENANT#{tenant}#EXECUTIONS"
        return {
            "Query of found_by": lambda: query("found_by", "found_by", f"TENANT#{tenant}#SUBJECT#order 4711"),
            "GetItem": lambda: dynamodb.get_item(TableName=table, Key=item),
            "Query of listed": lambda: query("listed", "listed", f"{executions}#0"),
            "Query of for_people": lambda: query("for_people", "for_people", f"TENANT#{tenant}#QUESTIONS"),
            "GetObject": lambda: s3.get_object(Bucket=outputs["ReceiptBucket"], Key=f"receipts/{tenant}/0"),
        }

    for tenant, expected in (("check-a", True), ("check-b", False)):
        for request, ask in requests(tenant).items():
            # A missing object is 403 to a session that may not list the bucket.
            if (request == "GetObject" and expected) or only not in (None, request):
                continue
            if allowed(ask) != expected:
                raise failure(f"{request} for {tenant} was {'refused' if expected else 'ALLOWED'} to check-a")
    return "5 requests for another tenant were refused, 4 for its own were not"


def assumed(account, role, policy):
    """The credentials of a session, once IAM has spread the new trust."""
    for _ in range(12):
        try:
            return account.sts.assume_role(RoleArn=role, RoleSessionName="aws-check", Policy=policy)["Credentials"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            time.sleep(5)
    return account.sts.assume_role(RoleArn=role, RoleSessionName="aws-check", Policy=policy)["Credentials"]


def allowed(ask):
    try:
        ask()
        return True
    except ClientError as error:
        if error.response["Error"]["Code"] in ("AccessDeniedException", "AccessDenied", "403"):
            return False
        raise
