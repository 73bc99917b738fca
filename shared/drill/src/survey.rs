//! Surveys a workflow: runs it without a fault and along every way back, and records the places
//! that were reached.

use std::{
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

use holdfast_receipt::ApprovalOutcome;

use crate::{
    Settings,
    check::{Findings, check},
    fault::{Fault, Kind},
    meter::Meter,
    outage::Outage,
    own::OwnSteps,
    plan::DrilledWorkflow,
    query::KnownExpressions,
    run::{RunEnd, RunResult, run},
    scenario::{Place, Scenario, Strike},
    simulation::Facts,
    target::{Target, What},
    world::{ArmedFault, MEASURED_START_OFFSET, World},
};

/// The places at which faults can strike, and how each is reached.
pub(crate) struct Survey {
    pub(crate) places: Vec<Place>,
    /// Steps that a run without faults does not perform, and approvals that ask no person.
    pub(crate) not_reached: Vec<String>,
}

/// The suffix of the state after a question that no person answered.
const EXPIRED: &str = ".expired";
/// Guardrails that the time of the start decides.
const TIMES: [&str; 2] = ["hours", "freeze"];

/// The stage of a run: settings and system.
#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) settings: Settings,
    /// System that steps really call.
    pub(crate) own: Option<OwnSteps>,
    /// Outage that begins during the run.
    pub(crate) outage: Option<Outage>,
    /// True if the run records its story.
    pub(crate) records: bool,
    /// Time of an invocation, if the run is measured.
    pub(crate) measures: Option<Duration>,
    /// Idempotency key, if several runs need one each.
    pub(crate) key: Option<String>,
}

/// Runs with these faults armed, in order.
pub(crate) fn play(
    deployed: &Arc<DrilledWorkflow>,
    parsed: &Rc<KnownExpressions>,
    strikes: &[Strike],
    stage: Stage,
) -> (RunResult, Findings) {
    let armed = strikes
        .iter()
        .map(|strike| ArmedFault::new(&strike.place, strike.fault));
    let target = Target::new(stage.settings.manners, stage.own);
    let start = match stage.measures {
        Some(_) => deployed.start + MEASURED_START_OFFSET,
        None => deployed.start,
    };
    let (seed, records) = (stage.settings.seed, stage.records);
    let mut world = World::new(start, armed.collect(), target, seed, records);
    world.ledger.register(&deployed.tenant);
    world.old = stage.settings.old;
    world.outage = stage.outage;
    if let Some(key) = stage.key {
        world.idempotency_key = key;
    }
    if stage.measures.is_some() {
        world.call = stage.measures;
        let facts = Mutex::new(Facts::measuring());
        (world.meter, world.facts) = (Some(Meter::new(start)), Some(facts));
    }
    let left = run(deployed, parsed, world);
    let found = check(deployed, &left);
    (left, found)
}

fn strike(place: &str, fault: Fault) -> Strike {
    Strike {
        place: place.to_owned(),
        fault,
    }
}

impl Survey {
    /// Surveys a workflow. The error says why it does not execute even without faults.
    pub(crate) fn of(deployed: &Arc<DrilledWorkflow>) -> Result<Self, String> {
        let parsed = Rc::default();
        let (left, found) = play(deployed, &parsed, &[], Stage::default());
        executed(deployed, &left, &found)?;
        let done = left.world.target.done();
        let performed = |step: &str| {
            let of = |label: &str| label.split('[').next() == Some(step);
            done.iter()
                .any(|done| matches!(done.what, What::Effect | What::Read) && of(&done.step))
        };
        let steps = deployed.steps.iter().map(|step| step.name.clone());
        let (reached, not_reached): (Vec<String>, Vec<String>) =
            steps.partition(|step| performed(step));
        let mut survey = Self {
            places: Vec::new(),
            not_reached,
        };
        survey.note(&left, &found, deployed, &[]);
        for step in &reached {
            survey.ways_back(deployed, &parsed, step, &reached);
        }
        let states = deployed.machine.names().into_iter();
        let approvals = states.filter_map(|state| state.strip_suffix(EXPIRED));
        let asked = |name: &str| {
            let mut places = survey.places.iter();
            places.any(|place| place.kind == Kind::Approval && place.name == name)
        };
        // An action's step has such a state too: its escalation's.
        let calls = |name: &str| deployed.steps.iter().any(|step| step.name == name);
        let not_asked = approvals.filter(|name| !calls(name) && !asked(name));
        let not_asked: Vec<String> = not_asked.map(str::to_owned).collect();
        survey.not_reached.extend(not_asked);
        Ok(survey)
    }

    /// Follows every way that a step's failure, or its undo, can lead to.
    fn ways_back(
        &mut self,
        deployed: &Arc<DrilledWorkflow>,
        parsed: &Rc<KnownExpressions>,
        step: &str,
        reached: &[String],
    ) {
        let undoes = deployed
            .steps
            .iter()
            .any(|known| known.name == step && known.undoes);
        let back = deployed.back_of(step);
        let before = if undoes {
            vec![trigger(deployed, step, reached)]
        } else {
            vec![strike(step, Fault::LostAnswerAlways)]
        };
        let reads = deployed.reads(step);
        if !reads {
            self.add(&back, Kind::Calls, false, &before);
        }
        let with = |more: &[(&str, Fault)]| {
            let more = more.iter().map(|(place, fault)| strike(place, *fault));
            before.iter().cloned().chain(more).collect::<Vec<_>>()
        };
        let escalate = format!("{step}.escalate");
        let unanswered = with(&[(&back, Fault::ThrottledAlways)]);
        let trials = [
            before.clone(),
            vec![strike(step, Fault::AsksToWait)],
            vec![strike(step, Fault::Permanent)],
            vec![strike(step, Fault::LostAnswerAlways)],
            vec![
                strike(step, Fault::Permanent),
                strike(&escalate, Fault::Silence),
            ],
            vec![
                strike(step, Fault::LostAnswerAlways),
                strike(&escalate, Fault::Silence),
            ],
            with(&[(&back, Fault::AsksToWait)]),
            unanswered.clone(),
        ];
        // What only reads is neither undone nor asked about.
        let trials = trials.into_iter();
        let trials = trials.filter(|trial| !reads || trial.iter().all(|one| one.place != back));
        for trial in trials {
            let (left, found) = play(deployed, parsed, &trial, Stage::default());
            self.note(&left, &found, deployed, &trial);
        }
        if !reads {
            let place = format!("{step}.unanswered");
            self.add(&place, Kind::Writes, false, &unanswered);
        }
    }

    /// Adds every entered state that is not known yet. An approval that asked no person is a
    /// `State`. It becomes an `Approval` when a later run asks a person.
    fn note(
        &mut self,
        left: &RunResult,
        found: &Findings,
        deployed: &Arc<DrilledWorkflow>,
        before: &[Strike],
    ) {
        let approvals = found.receipt.iter().flat_map(|receipt| &receipt.approvals);
        let asked: Vec<&str> = approvals
            .filter(|approval| approval.outcome != ApprovalOutcome::Skipped)
            .map(|approval| &*approval.step)
            .collect();
        for state in &left.entered {
            let step = deployed.steps.iter().any(|known| known.name == *state);
            let kind = match state.as_str() {
                "Begin" | "Finish" | "Finish.without_output" | "Plan" | "Close" => Kind::Writes,
                name if name.ends_with(".escalate") => Kind::Escalation,
                name if name.ends_with(EXPIRED) => Kind::Writes,
                _ if step && self.not_reached.contains(state) => Kind::State,
                _ if step => Kind::Calls,
                name if asked.contains(&name) => Kind::Approval,
                _ => Kind::State,
            };
            let new = self.add(state, kind, true, before);
            if new && kind == Kind::Approval {
                let silence = [before, &[strike(state, Fault::Silence)]].concat();
                self.add(&format!("{state}{EXPIRED}"), Kind::Writes, true, &silence);
            }
        }
    }

    /// Adds a place, or makes a known `State` an `Approval`. Returns false if nothing changed.
    fn add(&mut self, name: &str, kind: Kind, is_state: bool, before: &[Strike]) -> bool {
        let place = Place {
            name: name.to_owned(),
            kind,
            is_state,
            before: before.to_vec(),
        };
        let mut places = self.places.iter_mut();
        match places.find(|place| place.name == name) {
            Some(known) if kind == Kind::Approval && known.kind == Kind::State => *known = place,
            Some(_) => return false,
            None => self.places.push(place),
        }
        true
    }

    /// Returns all faults of a scenario: first those that lead to its places, then its own. Faults
    /// that strike every attempt come last.
    pub(crate) fn strikes(&self, scenario: &Scenario) -> Result<Vec<Strike>, String> {
        let mut strikes = scenario.strikes.clone();
        for one in &scenario.strikes {
            let place = self.places.iter().find(|place| place.name == one.place);
            let place = place.ok_or_else(|| {
                let names: Vec<&str> = self
                    .places
                    .iter()
                    .map(|place| place.name.as_str())
                    .collect();
                format!(
                    "no place is called {:?}; there are {}",
                    one.place,
                    names.join(", ")
                )
            })?;
            for before in &place.before {
                if !strikes.contains(before) {
                    strikes.push(before.clone());
                }
            }
        }
        strikes.sort_by_key(|one| one.fault.lasts());
        Ok(strikes)
    }
}

/// Returns the fault that starts a rollback after the effect of `step`: a permanent failure of a
/// later step, or a stop while it acts. A stop after the last step starts none.
fn trigger(deployed: &DrilledWorkflow, step: &str, reached: &[String]) -> Strike {
    let later = deployed
        .steps
        .iter()
        .skip_while(|known| known.name != step)
        .skip(1);
    let later = later.filter(|known| known.rolls_back && reached.contains(&known.name));
    match later.last() {
        Some(known) => strike(&known.name, Fault::Permanent),
        None => strike(step, Fault::KilledDuring),
    }
}

/// Checks that a run without faults executes without a violation. The error says why not.
pub(crate) fn executed(
    deployed: &DrilledWorkflow,
    left: &RunResult,
    found: &Findings,
) -> Result<(), String> {
    if found.status.as_deref() == Some("EXECUTED") && found.violations.is_empty() {
        return Ok(());
    }
    let failure = found.receipt.as_ref().and_then(|one| one.failure.as_ref());
    let reason = failure.map(|failure| failure.reason.as_str());
    Err(why(deployed, left, found, reason.unwrap_or_default()))
}

fn why(deployed: &DrilledWorkflow, left: &RunResult, found: &Findings, reason: &str) -> String {
    let status = found.status.as_deref().unwrap_or("without a record");
    let mut why = format!("without any fault it ends {status}");
    if !reason.is_empty() {
        why += &format!(": {reason}");
    }
    for violation in &found.violations {
        why += &format!("\n  {violation}");
    }
    if let Some(end) = left.end.as_ref().filter(|end| **end != RunEnd::Succeeded) {
        why += &format!("\n  its state machine {end}");
    }
    let help = match (refused(deployed, found), deployed.unanswered()) {
        (Some(help), _) => help,
        (None, Some(step)) => format!(
            "the drill answers {step} with 200 and no body; write its answer into a file for \
             --answers, such as `{step}: {{ body: {{ id: V-100 }} }}`"
        ),
        (None, None) => "does it need another --input, or --answers of a target?".to_owned(),
    };
    format!("{why}\n  help: {help}")
}

/// Returns the remedy if guardrails refused the start: another time, or another input.
fn refused(deployed: &DrilledWorkflow, found: &Findings) -> Option<String> {
    let outcomes = found.receipt.iter().flat_map(|receipt| &receipt.guardrails);
    let broken: Vec<&str> = outcomes
        .filter(|outcome| !outcome.held)
        .map(|outcome| &*outcome.name)
        .collect();
    let start = deployed.start;
    match broken.iter().find(|name| !TIMES.contains(name)) {
        Some(name) => Some(format!(
            "the guardrail `{name}` refuses this start; give an input with --input, or a time with \
             --at, that it admits"
        )),
        None if broken.is_empty() => None,
        None => Some(format!(
            "it starts at {start}; give a time that the workflow admits with --at"
        )),
    }
}
