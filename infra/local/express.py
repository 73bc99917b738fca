"""Express executions of the emulator, as AWS runs them, and their injuries.

The emulator runs a state machine of type EXPRESS as a Standard one. Each rule here has its source.
AWS's answers are those that LocalStack's tests recorded on AWS on 2024-07-03:
github.com/localstack/localstack, tests/aws/services/stepfunctions/v2,
test_sfn_api_express.snapshot.json.

Two operations that AWS does not have serve the tests. AWSStepFunctions.InjureExpress plans an
injury of the next start under a name, and AWSStepFunctions.ListExpressRuns lists the runs of a name
with the states that each entered. AWS writes those to a log group alone.
"""

import contextvars
import json
import threading
import time

# The longest life of a run, in seconds
# (docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html).
LIVES = 300
# The time after which a run that died starts again, in seconds. AWS names none.
AGAIN_AFTER = 0.5
INJURIES = ("twice", "never", "dies")


class Express:
    """Takes the place of the emulator's functions where Express executions differ."""

    def __init__(self, states):
        self.states = states
        self.injuries = {}
        self.locked = threading.Lock()
        self.standard = {}
        own = {
            "_start_execution": self.start,
            "_add_event": self.add_event,
            "_create_state_machine": self.create,
            "_list_executions": self.list_executions,
            "handle_request": self.handle_request,
        }
        # "This API action is not supported by EXPRESS state machines": the references of these.
        for name in ("_describe_execution", "_stop_execution", "_get_execution_history"):
            own[name] = self.refused(name)
        own["_describe_state_machine_for_execution"] = self.refused("_describe_state_machine_for_execution")
        for name, function in own.items():
            self.standard[name] = getattr(states, name)
            setattr(states, name, function)

    def machine(self, arn):
        """The state machine of this ARN, version or alias if it is an Express one."""
        machine = self.states._state_machines.get(self.states._resolve_state_machine_arn(arn or ""))
        return machine if machine and machine["type"] == "EXPRESS" else None

    def refused(self, name):
        """Refuses the ARN of an Express execution, as the recorded answers have it."""

        def answer(data):
            arn = str(data.get("executionArn")).split(":")
            if arn[5:6] == ["express"]:
                message = "Invalid Arn: 'Resource type not valid in this context: express'"
                return self.states.error_response_json("InvalidArn", message, 400)
            return self.standard[name](data)

        return answer

    def list_executions(self, data):
        if self.machine(data.get("stateMachineArn")):
            message = "This operation is not supported by this type of state machine"
            return self.states.error_response_json("StateMachineTypeNotSupported", message, 400)
        return self.standard["_list_executions"](data)

    def create(self, data):
        # The recorded answer names the state too.
        if data.get("type") == "EXPRESS" and ".waitForTaskToken" in data.get("definition", ""):
            message = (
                "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Express state machine "
                "does not support '.waitForTaskToken' service integration'"
            )
            return self.states.error_response_json("InvalidDefinition", message, 400)
        return self.standard["_create_state_machine"](data)

    def start(self, data):
        """Starts a run. Names are not unique, and two starts with one name both run
        (docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html).
        """
        machine = self.machine(data.get("stateMachineArn"))
        if machine is None:
            return self.standard["_start_execution"](data)
        name = data.get("name") or self.states.new_uuid()
        injury = self.injuries.pop(name, {})
        runs = {"twice": 2, "never": 0}.get(injury.get("kind"), 1)
        # An accepted start has an ARN, even if nothing runs under it.
        arns = [self.run_arn(machine, name) for _ in range(max(runs, 1))]
        for arn in arns[:runs]:
            self.run(arn, machine, name, data.get("input", "{}"), injury)
        return self.states.json_response({"executionArn": arns[0], "startDate": self.states.now_iso()})

    def run_arn(self, machine, name):
        # The recorded form; Step Functions appends an id of the run.
        execution = machine["stateMachineArn"].replace(":stateMachine:", ":express:", 1)
        return f"{execution}:{name}:{self.states.new_uuid()}"

    def run(self, arn, machine, name, text, injury):
        started = self.states.now_iso()
        self.states._executions[arn] = {
            "executionArn": arn,
            "stateMachineArn": machine["stateMachineArn"],
            "name": name,
            "status": "RUNNING",
            "startDate": started,
            "stopDate": None,
            "input": text,
            "output": None,
            "mockAttempts": {},
            "events": [{"id": 1, "type": "ExecutionStarted", "timestamp": started}],
            # The emulator sends no status event of such an execution, nor does AWS
            # (docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html).
            "sync": True,
            "express": {"began": time.monotonic(), "calls": 0, "ended": False, "injury": injury},
        }
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(self.states._run_execution, arn), daemon=True)
        thread.start()

    def add_event(self, execution, kind, details=None):
        """Records an event of an execution. Every state and every call has one, so that a run which
        has ended stops here.
        """
        run = execution.get("express")
        if run is not None:
            self.end_when_due(execution, run, kind)
        return self.standard["_add_event"](execution, kind, details)

    def end_when_due(self, execution, run, kind):
        with self.locked:
            run["calls"] += kind == "TaskScheduled"
            if not run["ended"] and execution["status"] == "RUNNING":
                if time.monotonic() - run["began"] >= LIVES:
                    self.end(execution, run, "TIMED_OUT")
                elif self.dies(run, kind):
                    self.end(execution, run, "ABORTED")
                    if run["injury"]["again"]:
                        self.again(execution)
            if run["ended"]:
                # Ends the thread, and no state of the emulator catches it.
                raise SystemExit

    @staticmethod
    def dies(run, kind):
        """True if the injury ends the run at its call number `at`: before the function is called,
        or with `acts` after it has acted.
        """
        injury = run["injury"]
        if injury.get("kind") != "dies" or run["calls"] < injury["at"]:
            return False
        answers = kind in ("TaskSucceeded", "TaskFailed")
        return answers if injury["acts"] else kind == "TaskScheduled"

    def end(self, execution, run, status):
        run["ended"] = True
        execution["status"] = status
        execution["stopDate"] = self.states.now_iso()

    def again(self, execution):
        """Starts a run that died from the start, since executions run at least once
        (docs.aws.amazon.com/step-functions/latest/dg/express-at-least-once-execution.html).
        """
        machine = self.states._state_machines[execution["stateMachineArn"]]
        name = execution["name"]
        arguments = (self.run_arn(machine, name), machine, name, execution["input"], {})
        context = contextvars.copy_context()
        timer = threading.Timer(AGAIN_AFTER, context.run, (self.run, *arguments))
        timer.daemon = True
        timer.start()

    async def handle_request(self, method, path, headers, body, query_params):
        operations = {"InjureExpress": self.injure, "ListExpressRuns": self.list_runs}
        operation = operations.get(headers.get("x-amz-target", "").split(".")[-1])
        if operation is None:
            return await self.standard["handle_request"](method, path, headers, body, query_params)
        return operation(json.loads(body))

    def injure(self, data):
        dies = data.get("kind") == "dies"
        right = {"name", "kind", "at", "acts", "again"} if dies else {"name", "kind"}
        if data.get("kind") not in INJURIES or set(data) != right:
            message = f"InjureExpress: right are name and kind={'|'.join(INJURIES)}; dies has at, acts and again too"
            return self.states.error_response_json("ValidationException", message, 400)
        self.injuries[data["name"]] = data
        return self.states.json_response({})

    def list_runs(self, data):
        found = []
        for execution in list(self.states._executions.values()):
            if "express" in execution and execution["name"] == data.get("name"):
                entered = [event.get("stateEnteredEventDetails") for event in list(execution["events"])]
                found.append({
                    "arn": execution["executionArn"],
                    "status": execution["status"],
                    "states": [state["name"] for state in entered if state],
                })
        return self.states.json_response({"runs": found})
