//! Runs a workflow once: the execution, what stops it, and the recoveries that follow, as in the
//! deployment.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use futures_executor::LocalPool;
use futures_util::{
    FutureExt,
    future::{LocalBoxFuture, pending, select},
};
use holdfast_asl::Machine;
use holdfast_engine::{Host, LISTED_WITHIN, LostOwner, LostStart, StatusEvent};
use holdfast_ids::{
    arn::{express_owner, is_express, owner_of},
    keys::{ExecutionKey, execution_id},
};
use holdfast_ledger::{ExecutionRecord, Ledger, NextLook};
use holdfast_task::{Failure, RecoveryInput, Tier};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    clock::Slot,
    envelope::envelope,
    fault::Fault,
    functions::Room,
    invocation::{Integration, invocation},
    machine::{Interpreter, RaisedError, Surroundings, TIMEOUT, TaskCall},
    plan::DrilledWorkflow,
    process::Process,
    query::{KnownExpressions, Query},
    world::World,
};

/// Time from the moment when a look is due to the sweep, at most.
const SWEEP: Duration = Duration::from_secs(60);
/// Time from a delivery of a status event to the next one, and the most deliveries of a run.
const REDELIVERY: Duration = Duration::from_secs(120);
const DELIVERIES: usize = 60;
/// Most sweeps before the execution counts as one that never ends.
const SWEEPS: usize = 8;
/// Time from the start of a task to the stop of its execution, so that the function is acting.
const MIDST: Duration = Duration::from_millis(30);
/// The beginning of every ARN of Step Functions. It is as long as on AWS, so that records are too.
const STATES: &str = "arn:aws:states:us-east-1:123456789012";
/// Idempotency key of a run that needs no other.
pub(crate) const KEY: &str = "drill";

/// The end of a Step Functions execution.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RunEnd {
    Succeeded,
    Failed(RaisedError),
    TimedOut,
    /// Stopped. True if a status event reports it.
    Stopped(bool),
}

/// The state that a run leaves behind.
pub(crate) struct RunResult {
    pub(crate) world: Arc<World>,
    /// Every entered state, in order.
    pub(crate) entered: Vec<String>,
    /// End of the workflow's own Step Functions execution.
    pub(crate) end: Option<RunEnd>,
    /// True if everything came to an end.
    pub(crate) rests: bool,
    /// Time at which nothing was left to do.
    pub(crate) rested: Timestamp,
}

/// Returns the key of the execution in the ledger.
pub(crate) fn place_of(deployed: &DrilledWorkflow, world: &World) -> ExecutionKey {
    ExecutionKey {
        tenant: deployed.tenant.clone(),
        execution: execution_id(&deployed.tenant, &deployed.workflow, &world.idempotency_key),
    }
}

/// The ARN of the version of the state machine that runs.
fn machine_of(deployed: &DrilledWorkflow) -> String {
    format!("{STATES}:stateMachine:holdfast-{}:1", deployed.workflow)
}

/// Runs the workflow from its start until nothing more is due.
pub(crate) fn run(
    deployed: &Arc<DrilledWorkflow>,
    parsed: &Rc<KnownExpressions>,
    world: World,
) -> RunResult {
    let mut pool = LocalPool::new();
    let room = Rc::new(Room {
        world: Arc::new(world),
        deployed: deployed.clone(),
        parsed: parsed.clone(),
        spawner: pool.spawner(),
        tokens: RefCell::new(BTreeMap::new()),
    });
    let life = Rc::new(Life::default());
    let (living, lives) = (room.clone(), life.clone());
    room.spawn(async move {
        live(living.clone(), lives.clone()).await;
        lives.rested.set(living.world.clock.now());
    });
    let rests = room.world.clock.exhaust(&mut pool);
    let left = RunResult {
        world: room.world.clone(),
        entered: life.entered.take(),
        end: life.end.take(),
        rests,
        rested: life.rested.get(),
    };
    // Tasks that still wait hold the room, and end with the pool.
    drop(pool);
    left
}

#[derive(Default)]
struct Life {
    entered: RefCell<Vec<String>>,
    end: Cell<Option<RunEnd>>,
    rested: Cell<Timestamp>,
}

async fn live(room: Rc<Room>, life: Rc<Life>) {
    let deployed = &room.deployed;
    let start = envelope(deployed, &room.world);
    let at = place_of(deployed, &room.world);
    let current = || async {
        room.world.ledger_back().await;
        room.world.ledger.read(&at).await.ok().flatten()
    };
    let express = deployed.gate.tier == Tier::Express;
    let standard = format!(
        "{STATES}:execution:holdfast-{}:{}",
        deployed.workflow, at.execution
    );
    let owner = match express {
        true => format!("{}:1", express_owner(&standard)),
        false => standard,
    };
    let mut end = execute(&room, &life, &deployed.machine, &owner, start.clone()).await;
    // Step Functions runs an Express start again that recorded nothing, and any other one at times.
    let again = match end {
        RunEnd::Stopped(reported) => reported || current().await.is_none(),
        _ => false,
    };
    if express && again {
        room.world.clock.sleep(REDELIVERY).await;
        let run = format!("{}:2", owner_of(&owner));
        end = execute(&room, &life, &deployed.machine, &run, start.clone()).await;
    }
    life.end.set(Some(end.clone()));
    let succeeded = end == RunEnd::Succeeded;
    // An Express run reports only that its `Begin` recorded nothing.
    let reports = !express || matches!(end, RunEnd::Failed(_));
    let event = end.event(&owner, "", &start).filter(|_| reports);
    if current().await.is_none() && !succeeded {
        if event.is_none() && !express {
            let now = room.world.clock.now();
            room.world.clock.until(now + LISTED_WITHIN).await;
        }
        // The queue of status events delivers this one again until it is handled.
        for _ in 0..DELIVERIES {
            record_lost(&room, &owner, &start).await;
            if current().await.is_some() {
                break;
            }
            room.world.clock.sleep(REDELIVERY).await;
        }
    }
    if let Some(event) = event
        && let Some(execution) = current()
            .await
            .filter(|execution| execution.owner == owner && execution.is_open())
    {
        recover(&room, &life, &execution, event.failure()).await;
    }
    for _ in 0..SWEEPS {
        let Some(execution) = current().await.filter(ExecutionRecord::is_open) else {
            return;
        };
        room.world.clock.until(NextLook::of(&execution).due).await;
        room.world.clock.sleep(SWEEP).await;
        let Some(execution) = current().await.filter(ExecutionRecord::is_open) else {
            return;
        };
        recover(&room, &life, &execution, Failure::lost_owner()).await;
    }
}

/// Records the start that `begin` did not record.
async fn record_lost(room: &Room, owner: &str, start: &Value) {
    let deployed = &room.deployed;
    let Some(lost) = LostStart::read(&start.to_string(), &deployed.workflow) else {
        return;
    };
    let owner = LostOwner {
        arn: owner.to_owned(),
        machine: machine_of(deployed),
        started_at: Some(room.world.start),
    };
    let engine = Process::new(room.world.clone(), None).engine();
    let recorded = engine.record_lost_start(&lost, &owner, &deployed.gate);
    drop(recorded.await);
}

/// Runs the recovery machine.
async fn recover(room: &Rc<Room>, life: &Rc<Life>, execution: &ExecutionRecord, failure: Failure) {
    room.world
        .record(|| format!("recovery   it starts: {}", failure.error));
    let input = RecoveryInput {
        execution: execution.reference(),
        failure,
        steps: room.deployed.refs.clone(),
    };
    let name = room.world.clock.now().as_second() / 60;
    let owner = format!(
        "{STATES}:execution:holdfast-recovery:{}-{}-{name}",
        execution.at.execution, execution.epoch
    );
    execute(room, life, &room.deployed.recovery, &owner, json!(input)).await;
}

/// Runs one state machine to its end.
async fn execute(
    room: &Rc<Room>,
    life: &Rc<Life>,
    machine: &Machine,
    arn: &str,
    input: Value,
) -> RunEnd {
    let clock = &room.world.clock;
    let began = clock.now();
    let stopped = Rc::new(Slot::default());
    let interpreter = Interpreter {
        clock: clock.clone(),
        query: Query::new(clock.clone(), room.parsed.clone()),
        surroundings: Seat {
            room: room.clone(),
            life: life.clone(),
            stopped: stopped.clone(),
        },
        context: context(
            clock.now().max(room.world.start),
            arn,
            &machine_of(&room.deployed),
            &input,
        ),
        events: Cell::default(),
        transitions: Cell::default(),
    };
    let end = interpret(&interpreter, machine, input, &stopped).await;
    let transitions = interpreter.transitions.get();
    room.world.meter(|meter| match is_express(arn) {
        true => meter.express_run(clock.now().duration_since(began)),
        false => {
            meter.transitions(transitions);
            if end.clone().event(arn, "", &Value::Null).is_some() {
                meter.status_event();
            }
        }
    });
    room.world.record(|| format!("machine    {arn} {end}"));
    end
}

/// Returns `$states.context` of a Step Functions execution.
pub(crate) fn context(started_at: Timestamp, arn: &str, machine: &str, input: &Value) -> Value {
    json!({
        "Execution": { "Id": arn, "StartTime": started_at, "Input": input },
        "StateMachine": { "Id": machine },
    })
}

/// Interprets a state machine until it ends, is stopped, or takes too long.
pub(crate) async fn interpret<S: Surroundings>(
    interpreter: &Interpreter<S>,
    machine: &Machine,
    input: Value,
    stopped: &Slot<bool>,
) -> RunEnd {
    let timeout = Duration::from_secs(machine.timeout_seconds);
    let run = async {
        match interpreter.run(machine, input).await {
            Ok(_) => RunEnd::Succeeded,
            Err(raised) => RunEnd::Failed(raised),
        }
    };
    let stop = async { RunEnd::Stopped(stopped.take().await) };
    let time = async {
        interpreter.clock.sleep(timeout).await;
        RunEnd::TimedOut
    };
    let early = select(Box::pin(stop), Box::pin(time));
    let early = early.map(|either| either.factor_first().0);
    select(Box::pin(run), early).await.factor_first().0
}

impl fmt::Display for RunEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded => write!(f, "succeeds"),
            Self::Failed(RaisedError { error, cause }) => match cause {
                Some(cause) => write!(f, "fails: {error}: {cause}"),
                None => write!(f, "fails: {error}"),
            },
            Self::TimedOut => write!(f, "takes longer than its timeout"),
            Self::Stopped(true) => write!(f, "is stopped"),
            Self::Stopped(false) => write!(f, "is stopped, and no status event says so"),
        }
    }
}

impl RunEnd {
    /// Returns the status event of the Step Functions execution. An end without an event has none.
    pub(crate) fn event(self, arn: &str, machine: &str, input: &Value) -> Option<StatusEvent> {
        let (status, error, cause) = match self {
            Self::Succeeded | Self::Stopped(false) => return None,
            Self::Failed(raised) => ("FAILED", Some(raised.error), raised.cause),
            Self::TimedOut => ("TIMED_OUT", Some(TIMEOUT.to_owned()), None),
            Self::Stopped(true) => ("ABORTED", None, None),
        };
        Some(StatusEvent {
            execution_arn: arn.to_owned(),
            state_machine_arn: machine.to_owned(),
            status: status.to_owned(),
            input: Some(input.to_string()),
            error,
            cause,
        })
    }
}

/// The surroundings of a Step Functions execution in its world.
struct Seat {
    room: Rc<Room>,
    life: Rc<Life>,
    stopped: Rc<Slot<bool>>,
}

impl Surroundings for Seat {
    fn entered<'a>(&'a self, state: &'a str) -> LocalBoxFuture<'a, ()> {
        Box::pin(async move {
            let world = &self.room.world;
            if world
                .strikes(state, None, |fault| fault == Fault::KilledBefore)
                .is_some()
            {
                self.stopped.put(false);
                return pending().await;
            }
            world.record(|| format!("state      {state}"));
            self.life.entered.borrow_mut().push(state.to_owned());
        })
    }

    fn perform<'a>(&'a self, task: TaskCall<'a>) -> LocalBoxFuture<'a, Result<Value, RaisedError>> {
        Box::pin(async move {
            let token = task.token.clone();
            let (integration, invocation) = invocation(&self.room.deployed, task);
            let kill = |fault| fault == Fault::KilledDuring;
            let world = &self.room.world;
            if world
                .strikes(&invocation.place, invocation.item.as_deref(), kill)
                .is_some()
            {
                let (clock, stopped) = (world.clock.clone(), self.stopped.clone());
                self.room.spawn(async move {
                    clock.sleep(MIDST).await;
                    stopped.put(true);
                });
            }
            let slot = Rc::new(Slot::default());
            let waits = integration == Integration::WaitsForToken;
            if waits {
                let mut tokens = self.room.tokens.borrow_mut();
                tokens.insert(token, slot.clone());
            }
            // What a report leads to is `record_lost`.
            if integration == Integration::Sends {
                return Ok(Value::Null);
            }
            let answer = self.room.clone().invoke(invocation).await?;
            match integration {
                _ if waits => slot.take().await,
                other => other.result(answer),
            }
        })
    }
}
