//! Simulates a region: Step Functions with its executions, Lambda with its invocations, status
//! events, and the sweep, as the deployment uses them.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use futures_executor::LocalSpawner;
use futures_util::{future::LocalBoxFuture, task::LocalSpawnExt};
use holdfast_engine::{EndCursor, Host, QuestionAnswer, StatusEvent, TaskError};
use holdfast_ids::{arn::is_express, keys::ExecutionKey};
use holdfast_task::{AskTask, RECOVERY};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    machines::version_arn,
    schedule::{Event, Judgement, Mishap, Schedule, StatusFault},
    versions::Versions,
};
use crate::{
    clock::Slot,
    functions::{Invocation, Waiting, answered, handle},
    invocation::{Integration, invocation},
    machine::{Interpreter, RaisedError, Surroundings, TaskCall},
    process::Process,
    query::{KnownExpressions, Query},
    run::{context, interpret},
    world::World,
};

/// Time from the end of a machine to its status event.
const EVENT_AFTER: Duration = Duration::from_millis(400);

/// A simulated region in which one workflow is deployed.
pub(crate) struct Region {
    pub(crate) world: Arc<World>,
    pub(crate) versions: Rc<Versions>,
    pub(crate) schedule: Schedule,
    /// Keys of the executions of the schedule.
    pub(crate) executions: Vec<ExecutionKey>,
    /// Number of the deployed version.
    pub(crate) deployed: Cell<usize>,
    /// Executions whose start was accepted.
    pub(crate) accepted: RefCell<Vec<ExecutionKey>>,
    /// Steps that a person decided to retry, by execution.
    pub(crate) retried: RefCell<Vec<(String, String)>>,
    pub(super) machines: RefCell<BTreeMap<String, Rc<MachineExecution>>>,
    /// Ends of machines whose status event was lost.
    pub(super) unreported: RefCell<Vec<Timestamp>>,
    /// The end up to which `recover` handled ended machines.
    pub(super) cursor: EndCursor,
    tokens: RefCell<BTreeMap<String, Waiting>>,
    parsed: Rc<KnownExpressions>,
    spawner: LocalSpawner,
    invocations: Cell<u32>,
    ends: Cell<u32>,
    /// Number of Express starts so far.
    pub(super) express_starts: Cell<u32>,
    questions: Cell<u32>,
}

/// A state machine that an execution runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MachineName {
    /// The workflow's own, of the version with this number.
    Workflow(usize),
    /// The recovery machine of the version with this number.
    Recovery(usize),
}

impl MachineName {
    /// Returns the number of its version.
    pub(super) fn version(self) -> usize {
        let (Self::Workflow(version) | Self::Recovery(version)) = self;
        version
    }
}

/// An execution of a state machine.
pub(crate) struct MachineExecution {
    pub(crate) arn: String,
    pub(crate) machine: MachineName,
    pub(crate) input: Value,
    pub(crate) started_at: Timestamp,
    pub(crate) running: Cell<bool>,
    /// True if it has left `Begin` for the steps.
    pub(super) performs: Cell<bool>,
    /// Status event and time of an end without success.
    pub(super) ended: OnceCell<(StatusEvent, Timestamp)>,
    pub(crate) stopped: Rc<Slot<bool>>,
}

impl Region {
    pub(crate) fn new(
        world: Arc<World>,
        versions: Rc<Versions>,
        schedule: Schedule,
        executions: Vec<ExecutionKey>,
        parsed: Rc<KnownExpressions>,
        spawner: LocalSpawner,
    ) -> Rc<Self> {
        Rc::new(Self {
            world,
            versions,
            schedule,
            executions,
            deployed: Cell::new(0),
            accepted: RefCell::default(),
            retried: RefCell::default(),
            machines: RefCell::default(),
            unreported: RefCell::default(),
            cursor: EndCursor::default(),
            tokens: RefCell::default(),
            parsed,
            spawner,
            invocations: Cell::new(0),
            ends: Cell::new(0),
            express_starts: Cell::new(0),
            questions: Cell::new(0),
        })
    }

    /// Runs a future beside everything else.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        // The pool outlives every schedule, so that it refuses nothing.
        drop(self.spawner.spawn_local(future));
    }

    /// Returns the ARN of a machine's version.
    pub(super) fn machine_arn(&self, machine: MachineName) -> String {
        let name = match machine {
            MachineName::Workflow(_) => &self.versions.all[0].workflow,
            MachineName::Recovery(_) => RECOVERY,
        };
        version_arn(name, machine.version())
    }

    /// Returns the number of invocations so far.
    pub(crate) fn invocations(&self) -> u32 {
        self.invocations.get()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// Makes a process in which the API, a function or a person's client runs.
    pub(crate) fn process(&self) -> Process {
        Process::new(self.world.clone(), None)
    }

    /// Starts an execution of a state machine. Returns false if one with this ARN exists.
    pub(crate) fn start(self: &Rc<Self>, arn: String, machine: MachineName, input: Value) -> bool {
        if is_express(&arn) {
            self.start_express(arn, machine, input);
            return true;
        }
        if self.machines.borrow().contains_key(&arn) {
            return false;
        }
        self.start_run(arn, machine, input);
        true
    }

    /// Starts one run of a state machine.
    pub(super) fn start_run(self: &Rc<Self>, arn: String, machine: MachineName, input: Value) {
        self.world.record(|| format!("start      {arn}"));
        let execution = Rc::new(MachineExecution {
            arn: arn.clone(),
            machine,
            input,
            started_at: self.now().max(self.world.start),
            running: Cell::new(true),
            performs: Cell::new(false),
            ended: OnceCell::new(),
            stopped: Rc::default(),
        });
        self.machines.borrow_mut().insert(arn, execution.clone());
        let region = self.clone();
        self.spawn(async move { region.run(execution).await });
    }

    async fn run(self: Rc<Self>, execution: Rc<MachineExecution>) {
        let version = execution.machine.version();
        let deployed = self.versions.all[version].clone();
        let machine = match execution.machine {
            MachineName::Workflow(_) => &deployed.machine,
            MachineName::Recovery(_) => &deployed.recovery,
        };
        let input = execution.input.clone();
        let machine_arn = self.machine_arn(execution.machine);
        let clock = &self.world.clock;
        let interpreter = Interpreter {
            clock: clock.clone(),
            query: Query::new(clock.clone(), self.parsed.clone()),
            surroundings: MachineSurroundings {
                region: self.clone(),
                execution: execution.clone(),
                version,
            },
            context: context(execution.started_at, &execution.arn, &machine_arn, &input),
            events: Cell::default(),
            transitions: Cell::default(),
        };
        let end = interpret(&interpreter, machine, input, &execution.stopped).await;
        self.world
            .record(|| format!("machine    {} {end}", execution.arn));
        execution.running.set(false);
        if is_express(&execution.arn) {
            return self.express_ended(&execution, &end).await;
        }
        let event = end.event(&execution.arn, &machine_arn, &execution.input);
        let Some(event) = event else {
            return;
        };
        let (event, ended_at) = execution.ended.get_or_init(|| (event, clock.now()));
        let number = self.ends.replace(self.ends.get() + 1);
        let fault = self.schedule.events.iter().find_map(|event| match event {
            Event::Status(struck, fault) if *struck == number => Some(*fault),
            _ => None,
        });
        let (after, times) = match fault {
            Some(StatusFault::Lost) => {
                self.disturb();
                return self.unreported.borrow_mut().push(*ended_at);
            }
            Some(StatusFault::Late(time)) => (time, 1),
            Some(StatusFault::Twice) => (EVENT_AFTER, 2),
            None => (EVENT_AFTER, 1),
        };
        clock.sleep(after).await;
        for _ in 0..times {
            let (region, event) = (self.clone(), event.clone());
            self.spawn(async move { region.deliver_status(&event).await });
        }
    }

    /// Records that the schedule was disturbed now.
    pub(crate) fn disturb(&self) {
        if let Some(weather) = &self.world.weather {
            weather.disturb(self.now());
        }
    }

    /// Records that people may stay silent until then.
    pub(super) fn disturb_until(&self, until: Timestamp) {
        if let Some(weather) = &self.world.weather {
            weather.disturb(until);
        }
    }

    /// Invokes a function for a machine. The function runs to its end even if the machine stops.
    async fn invoke(
        self: &Rc<Self>,
        execution: &Rc<MachineExecution>,
        invocation: Invocation,
    ) -> Result<Value, RaisedError> {
        let number = self.invocations.replace(self.invocations.get() + 1);
        let mishaps = self.schedule.events.iter().filter_map(|event| match event {
            Event::Mishap(struck, mishap) if *struck == number => Some(*mishap),
            _ => None,
        });
        let (mut delay, mut lost) = (None, false);
        for mishap in mishaps {
            self.world
                .record(|| format!("mishap     invocation {number}: {mishap}"));
            self.disturb();
            match mishap {
                Mishap::Duplicate(after) => {
                    let (region, invocation) = (self.clone(), invocation.clone());
                    self.spawn(async move {
                        region.world.clock.sleep(after).await;
                        drop(region.perform(&invocation).await);
                    });
                }
                Mishap::Delay(time) => delay = Some(time),
                Mishap::Stop(after) => {
                    let (clock, stopped) = (self.world.clock.clone(), execution.stopped.clone());
                    self.spawn(async move {
                        clock.sleep(after).await;
                        stopped.put(true);
                    });
                }
                Mishap::LostAnswer => lost = true,
            }
        }
        let answer = Rc::new(Slot::default());
        let (region, slot) = (self.clone(), answer.clone());
        self.spawn(async move {
            if let Some(time) = delay {
                region.world.clock.sleep(time).await;
            }
            let answer = region.perform(&invocation).await;
            region.disturb();
            if !lost {
                slot.put(answer);
            }
        });
        answer.take().await
    }

    /// Runs one process from its start to its answer or its death.
    async fn perform(self: &Rc<Self>, invocation: &Invocation) -> Result<Value, RaisedError> {
        let place = &invocation.place;
        self.world.record(|| format!("function   {place} begins"));
        let process = self.process();
        let asked = |task: &AskTask, answer: Option<QuestionAnswer>| self.asked(task, answer);
        let work = handle(&process, &self.versions.steps, invocation, &asked);
        let answer: Option<Result<Value, TaskError>> = process.run(work).await;
        answered(&self.world, place, answer)
    }

    /// Returns the judgement on the next question, if the schedule has one.
    pub(super) fn judgement(&self) -> Option<Judgement> {
        let number = self.questions.replace(self.questions.get() + 1);
        self.schedule.events.iter().find_map(|event| match event {
            Event::Decision(asked, judgement) if *asked == number => Some(*judgement),
            _ => None,
        })
    }

    /// Answers the task that waits under this token. A task that no longer waits is ignored.
    pub(super) fn answer_token(&self, token: &str, answer: Result<Value, RaisedError>) {
        if let Some(slot) = self.tokens.borrow().get(token) {
            slot.put(answer);
        }
    }

    /// Returns the time of the next minute, at which the sweep runs.
    pub(crate) fn next_minute(&self, after: Timestamp) -> Timestamp {
        let second = after.as_second();
        let next = second - second.rem_euclid(60) + 60;
        Timestamp::from_second(next).unwrap_or(after + SignedDuration::from_secs(60))
    }
}

/// The surroundings of a state machine in its region.
struct MachineSurroundings {
    region: Rc<Region>,
    execution: Rc<MachineExecution>,
    version: usize,
}

impl Surroundings for MachineSurroundings {
    fn entered<'a>(&'a self, state: &'a str) -> LocalBoxFuture<'a, ()> {
        self.region.world.record(|| format!("state      {state}"));
        // Only states around the steps have capital letters.
        if state.starts_with(|c: char| c.is_ascii_lowercase()) {
            self.execution.performs.set(true);
        }
        Box::pin(std::future::ready(()))
    }

    fn perform<'a>(&'a self, task: TaskCall<'a>) -> LocalBoxFuture<'a, Result<Value, RaisedError>> {
        Box::pin(async move {
            let token = task.token.clone();
            let (integration, invocation) =
                invocation(&self.region.versions.all[self.version], task);
            if invocation.function.is_empty() {
                let error = "Lambda.ResourceNotFoundException";
                return Err(RaisedError::new(error, "no such function"));
            }
            let slot = Rc::new(Slot::default());
            let waits = integration == Integration::WaitsForToken;
            if waits {
                let mut tokens = self.region.tokens.borrow_mut();
                tokens.insert(token, slot.clone());
            }
            if integration == Integration::Sends {
                return Ok(self.region.report(&invocation.payload));
            }
            let answer = self.region.invoke(&self.execution, invocation).await?;
            match integration {
                _ if waits => slot.take().await,
                other => other.result(answer),
            }
        })
    }
}
