"""Checks on an AWS account what no emulator can settle, in a stack that it makes and removes.

`make aws-check ENV=staging` takes region, issuer and audience from that section of samconfig.toml.
The stack's workflow reads the issuer's public discovery document and nothing else. A copy of it
runs on an Express state machine. With AWS_ENDPOINT_URL, the checks run on the local stack's
emulator, as far as it can.
"""

import argparse
import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
from pathlib import Path

from botocore.exceptions import ClientError

from account import Account, tenant_session

ROOT = Path(__file__).resolve().parents[2]
LOCAL = "AWS_ENDPOINT_URL" in os.environ
WORKFLOW = "WF-AWS-CHECK"
EXPRESS = f"{WORKFLOW}-EXPRESS"
CALLER = {"sub": "aws-check", "role": "tenant-admin", "tenant": "check"}


class Refused(Exception):
    """A check that failed, with what its failure means."""


class Impossible(Exception):
    """A check that cannot run here, with the reason."""


def settings(environment):
    """Region, issuer and audience of an environment of samconfig.toml."""
    with (ROOT / "samconfig.toml").open("rb") as file:
        config = tomllib.load(file).get(environment)
    if config is None:
        sys.exit(f"error: samconfig.toml has no environment {environment!r}: name one by ENV=")
    deploy = config.get("deploy", {}).get("parameters", {})
    region = deploy.get("region") or config["global"]["parameters"].get("region")
    overrides = dict(pair.split("=", 1) for pair in deploy.get("parameter_overrides", []))
    issuer = os.environ.get("HOLDFAST_ISSUER") if LOCAL else overrides.get("JwtIssuer")
    audience = os.environ.get("HOLDFAST_AUDIENCE") if LOCAL else overrides.get("JwtAudience")
    if not (region and issuer and audience):
        sys.exit(f"error: [{environment}] needs a region, JwtIssuer and JwtAudience")
    if "example.com" in issuer:
        sys.exit(f"error: {issuer} is a placeholder: `holdfast doctor --before-deploy` says what is left to do")
    return region, issuer, audience


class Deployment:
    """The stack under check, and the project that it is deployed from."""

    def __init__(self, folder, region, issuer, audience):
        self.folder, self.region = folder, region
        self.issuer, self.audience = issuer.rstrip("/"), audience
        self.name = f"holdfast-check-{secrets.token_hex(3)}"
        self.account = Account(region)
        self.outputs = {}
        self.parameters = [
            f"VendorSystemUrl={self.issuer}",
            f"HttpAllow={self.issuer}",
            f"JwtIssuer={issuer}",
            f"JwtAudience={audience}",
            f"PublishVersions={'false' if LOCAL else 'true'}",
            f"AuditArchive={'false' if LOCAL else 'true'}",
            "AuditArchiveDays=1",
            "LogRetentionDays=1",
            "ReceiptLockDays=0",
        ]

    def run(self, *command):
        """Runs a command in the project; the error has the last lines that it printed."""
        ran = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if ran.returncode:
            said = (ran.stdout + ran.stderr).strip().splitlines()[-15:]
            raise Refused(f"`{' '.join(map(str, command[:3]))}` failed:\n    " + "\n    ".join(said))
        return ran.stdout

    def build(self):
        """Makes a project with the workflow on both tiers, compiles it and builds its functions."""
        for part in ("functions", "infra/build"):
            (self.folder / part).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / part).symlink_to(ROOT / part)
        for part in ("infra/statemachines", "workflows"):
            (self.folder / part).mkdir(parents=True)
        shutil.copy(ROOT / "template.yaml", self.folder)
        workflow = Path(__file__).with_name("aws-check.yaml")
        shutil.copy(workflow, self.folder / "workflows")
        (self.folder / "workflows/express.yaml").write_text(express(workflow.read_text()))
        self.run(*cargo("holdfast-cli"), "--", "compile")
        self.run("sam", "build", "--build-in-source", "--template-file", "template.yaml", "--build-dir", "build")

    def deploy(self):
        self.run(
            *("sam", "deploy", "--template-file", "build/template.yaml", "--stack-name", self.name),
            *("--region", self.region, "--resolve-s3", "--capabilities", "CAPABILITY_IAM"),
            *("--no-confirm-changeset", "--parameter-overrides", *self.parameters),
        )
        self.outputs = self.account.outputs(self.name)
        self.account.remember(self.name)
        for tenant in {"check", caller()["tenant"]}:
            self.account.register(self.outputs["LedgerTable"], tenant)
        if LOCAL:
            # The emulator has no TLS, and the buckets refuse everything else.
            for bucket in ("ReceiptBucket", "PayloadBucket"):
                self.account.s3.delete_bucket_policy(Bucket=self.outputs[bucket])

    @property
    def machine(self):
        return self.outputs["MachinePrefix"] + WORKFLOW

    def started(self, origin, seconds):
        """The end of a Step Functions execution by a trigger or the API, through the alias."""
        through = self.machine if LOCAL else f"{self.machine}:live"
        until = time.time() + seconds
        while time.time() < until:
            listed = self.account.states.list_executions(stateMachineArn=through)["executions"]
            for one in listed:
                found = self.account.states.describe_execution(executionArn=one["executionArn"])
                start = json.loads(found["input"])
                if origin in (start.get("trigger"), start.get("via")) and found["status"] != "RUNNING":
                    if found["status"] != "SUCCEEDED":
                        raise Refused(f"it ended {found['status']}: {found.get('error')} {found.get('cause', '')[:300]}")
                    return found
            time.sleep(2)
        raise Refused(f"no execution of {through} by {origin} ended within {seconds} s")


def caller():
    """The claims of the caller: those of HOLDFAST_TOKEN if it is set."""
    token = os.environ.get("HOLDFAST_TOKEN")
    if not token:
        return CALLER
    payload = token.split(".")[1]
    return CALLER | json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def cargo(package, *what):
    """Runs a program of this project, built with the profile that compiles fast."""
    return ("cargo", "run", "--quiet", "--locked", "--profile", "local", "--package", package, *what)


def express(text):
    """The workflow on an Express state machine, started by the API alone."""
    head, _, rest = text.partition("triggers:")
    named = head.replace(f"workflow: {WORKFLOW}\n", f"workflow: {EXPRESS}\ntier: express\n")
    return named + rest[rest.index("steps:") :]


def start_by_api(deployment, workflow):
    """Starts a workflow with two items by the API, and returns what it answered."""
    path, key = f"/v1/workflows/{workflow}/executions", secrets.token_hex(8)
    body = json.dumps({"input": {"items": ["a", "b"]}})
    token = os.environ.get("HOLDFAST_TOKEN")
    if token:
        base = deployment.outputs["ApiUrl"]
        if LOCAL:
            base = f"{os.environ['AWS_ENDPOINT_URL']}/_aws/execute-api/{deployment.outputs['ApiId']}/%24default"
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key, "Content-Type": "application/json"}
        request = urllib.request.Request(base + path, body.encode(), headers, method="POST")
        with urllib.request.urlopen(request, timeout=40) as answer:
            status, accepted = answer.status, json.load(answer)
    else:
        status, accepted = deployment.account.invoke_start(f"{deployment.name}-start", path, key, body, CALLER)
    if status != 202:
        raise Refused(f"the API answered {status}: {accepted}")
    return accepted


def partition(accepted):
    """The ledger's partition of an accepted start."""
    return f"TENANT#{accepted['tenant']}#EXEC#{accepted['execution_id']}"


def machines_are_valid(deployment):
    """Step Functions' own validator accepts every compiled machine"""
    wrong, count = [], 0
    folders = (ROOT / "infra/statemachines", deployment.folder / "infra/statemachines")
    for machine in sorted(file for folder in folders for file in folder.glob("*.asl.json")):
        text = machine.read_text()
        for name in sorted(set(part.split("}")[0] for part in text.split("${")[1:])):
            function = f"arn:aws:lambda:{deployment.region}:{deployment.account.id}:function:check"
            text = text.replace("${" + name + "}", function if name.endswith("Arn") else "https://check")
        begin = json.loads(text)["States"].get("Begin", {})
        tier = begin.get("Arguments", {}).get("gate", {}).get("tier", "standard")
        validate = deployment.account.states.validate_state_machine_definition
        answer = validate(definition=text, type=tier.upper(), severity="WARNING")
        wrong += [f"{machine.name}: {one}" for one in answer["diagnostics"]]
        count += 1
    if wrong:
        raise Refused("AWS would refuse or warn of:\n    " + "\n    ".join(wrong))
    return f"{count} machines without a diagnostic"


def the_alias_is_described(deployment):
    """The alias live names a version, whose definition can be read"""
    if LOCAL:
        raise Impossible("the emulator's CloudFormation has no versions and aliases")
    states, alias = deployment.account.states, f"{deployment.machine}:live"
    described = states.describe_state_machine_alias(stateMachineAliasArn=alias)
    version = described["routingConfiguration"][0]["stateMachineVersionArn"]
    definition = json.loads(states.describe_state_machine(stateMachineArn=version)["definition"])
    if definition["QueryLanguage"] != "JSONata":
        raise Refused(f"{version} has another definition than the compiled one")
    try:
        states.describe_state_machine(stateMachineArn=alias)
        directly = "accepts"
    except ClientError as error:
        directly = f"refuses ({error.response['Error']['Code']})"
    return f"{version.rsplit(':', 1)[1]} is live; DescribeStateMachine {directly} the alias itself"


def the_api_starts(deployment):
    """A start by the API goes through the alias, and its for_each of two items ends"""
    accepted = start_by_api(deployment, WORKFLOW)
    ended = deployment.started("api", 120)
    version = ended.get("stateMachineVersionArn", "").rsplit(":", 1)[-1]
    if not (version or LOCAL):
        raise Refused("the execution runs no version: it was not started through the alias")
    table = deployment.outputs["LedgerTable"]
    items = deployment.account.items(table, partition(accepted), "STEP#look_once#")
    if len(items) != 2:
        raise Refused(f"the ledger has {len(items)} records of items, not 2: the for_each lost its items")
    by = "a token" if os.environ.get("HOLDFAST_TOKEN") else "an invocation of its function, since HOLDFAST_TOKEN is not set"
    return f"by {by}, {f'on version {version}' if version else 'without an alias'}, with 2 items"


def the_express_machine_runs(deployment):
    """An Express execution gets its receipt; its machine logs errors, and lists no executions"""
    states, machine = deployment.account.states, deployment.outputs["MachinePrefix"] + EXPRESS
    described = states.describe_state_machine(stateMachineArn=machine)
    # CloudFormation of the emulator keeps the members as the template writes them.
    logging = {name.lower(): value for name, value in described["loggingConfiguration"].items()}
    if described["type"] != "EXPRESS" or (logging.get("level") != "ERROR" and not LOCAL):
        raise Refused(f"{machine} is {described['type']} and logs {logging.get('level')}, not EXPRESS and ERROR")
    try:
        states.list_executions(stateMachineArn=machine)
        raise Refused("Step Functions lists its executions: the sweep could ask for them")
    except ClientError as error:
        if error.response["Error"]["Code"] != "StateMachineTypeNotSupported":
            raise
    accepted = start_by_api(deployment, EXPRESS)
    until = time.time() + 120
    while time.time() < until:
        record = deployment.account.items(deployment.outputs["LedgerTable"], partition(accepted), "META")
        if record and "M" in record[0].get("receipt", {}):
            return "the receipt is stored"
        time.sleep(2)
    raise Refused("the execution has no receipt within 120 s")


def the_rule_starts(deployment):
    """An event on the bus starts the workflow by its rule and role"""
    event = {"Source": "holdfast.aws-check", "DetailType": "AwsCheck", "Detail": json.dumps({"key": secrets.token_hex(8)})}
    put = deployment.account.events.put_events(Entries=[{**event, "EventBusName": deployment.outputs["EventBus"]}])
    if put["FailedEntryCount"]:
        raise Refused(f"the bus refused the event: {put['Entries']}")
    deployment.started("by_rule", 120)
    return "the execution ended"


def the_schedule_starts(deployment):
    """A schedule starts the workflow by its role, with its time"""
    if LOCAL:
        raise Impossible("the emulator's scheduler does not fill in the scheduled time")
    deployment.started("by_schedule", 240)
    return "the execution ended"


def only_audit_writes_the_audit_bus(deployment):
    """The audit bus refuses an event of a principal whose own policy allows every bus"""
    if LOCAL:
        raise Impossible("the emulator does not evaluate the policy of a bus")
    event = {"Source": "holdfast", "DetailType": "workflow.incident.opened", "Detail": "{}"}
    try:
        put = deployment.account.events.put_events(Entries=[{**event, "EventBusName": deployment.outputs["AuditBus"]}])
    except ClientError as error:
        if "AccessDenied" not in error.response["Error"]["Code"]:
            raise
        return "the event was refused"
    if not put["FailedEntryCount"]:
        raise Refused("the bus accepted the event, so that any sender of the account can forge audit events")
    return f"the event was refused: {put['Entries'][0].get('ErrorCode')}"


def tenants_are_apart(deployment):
    """A session of one tenant is refused another's keys on the table, the indexes and the bucket"""
    if LOCAL and os.environ.get("HOLDFAST_IAM") != "true":
        raise Impossible("the stack enforces no IAM policies; make up IAM=true does")
    account, outputs = deployment.account, deployment.outputs
    table = account.dynamodb.describe_table(TableName=outputs["LedgerTable"])["Table"]["TableArn"]
    stores = (table, f"arn:aws:s3:::{outputs['ReceiptBucket']}")
    policy = deployment.run(*cargo("holdfast-access", "--example", "session_policy"), "--", *stores, "check-a")
    if LOCAL:
        tenant_session(account, outputs, policy, Refused, only="GetObject")
        raise Impossible("the bucket refused, but the emulator does not evaluate dynamodb:LeadingKeys")
    return tenant_session(account, outputs, policy, Refused)


def the_name_is_free_again(deployment):
    """After a deletion, and that of the bus, the same name can be deployed again"""
    deployment.account.delete_stack(deployment.name)
    deployment.account.delete_buses()
    deployment.deploy()
    return "deployed, deleted and deployed again"


CHECKS = [
    machines_are_valid,
    the_alias_is_described,
    the_api_starts,
    the_express_machine_runs,
    the_rule_starts,
    the_schedule_starts,
    only_audit_writes_the_audit_bus,
    tenants_are_apart,
    the_name_is_free_again,
]


def say(verdict, check, text):
    print(f"{verdict:<5} {check.__doc__}: {text}", flush=True)


def verdict_of(check, deployment):
    try:
        say("pass", check, check(deployment))
    except Impossible as why:
        say("-", check, f"cannot run here: {why}")
    except Refused as why:
        say("FAIL", check, why)
        return False
    except Exception as error:  # Any other error is a failed check too, and the next ones still run.
        say("FAIL", check, f"{type(error).__name__}: {error}")
        return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--env", required=True, help="the environment of samconfig.toml")
    region, issuer, audience = settings(parser.parse_args().env)
    # An interruption still removes the stack.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix=".aws-check-", dir=ROOT))
    deployment = Deployment(folder, region, issuer, audience)
    where = "the local stack's emulator" if LOCAL else f"account {deployment.account.id}"
    print(f"==> stack {deployment.name} in {region} of {where}: built, deployed twice, removed", flush=True)
    passed = False
    try:
        deployment.build()
        deployment.deploy()
        passed = all([verdict_of(check, deployment) for check in CHECKS])
    except Refused as why:
        print(f"FAIL  the stack is deployed: {why}", flush=True)
    finally:
        left = deployment.account.clean(deployment.name)
        shutil.rmtree(folder)
        keys = any(of == "AWS::KMS::Key" for of, _ in deployment.account.made)
        nothing = "nothing is left" + ", except the key, which KMS deletes after 7 days" * keys
        print(f"==> {left or nothing}", flush=True)
    return 0 if passed and not left else 1


if __name__ == "__main__":
    sys.exit(main())
