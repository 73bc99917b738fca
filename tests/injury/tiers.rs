//! The shipped workflows that qualify for both tiers, with the same injuries and the same judge on
//! each of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::{StreamExt, future::join, stream};
use holdfast_ids::keys::{ExecutionKey, execution_id};
use holdfast_tests::{
    DELAY, DeclaredEffects, Injury, Stack, eventually_within, express_copy, hold, judge,
    read_workflow, unique,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{AT_ONCE, Dice, kill_at_random, plan};

const DELAYS: &str = include_str!("../../workflows/delay-vendor-payments-acme.yaml");
const GROUPS: &str = include_str!("../../workflows/hold-vendor-group.yaml");
const GROUP: &str = "WF-HOLD-VENDOR-GROUP";
/// The workflows that run on both tiers here, each with its id.
const ON_BOTH_TIERS: [(&str, &str); 2] = [(DELAYS, DELAY), (GROUPS, GROUP)];
/// Number of executions of each workflow on each tier: two for each injury.
const EACH: usize = 2 * INJURIES;
/// About the time between two calls of a function in one execution.
const CALL: Duration = Duration::from_millis(200);
/// The time for which functions are killed.
const KILLS: Duration = Duration::from_secs(10);
/// Number of injuries of a state machine.
const INJURIES: usize = 6;

/// A start, and the effects that it may have.
struct InjuredStart {
    workflow: String,
    key: String,
    input: Value,
    declared: DeclaredEffects,
    injury: Injury,
    express: bool,
}

impl InjuredStart {
    fn id(&self) -> String {
        execution_id("acme", &self.workflow, &self.key)
    }

    async fn start(&self, stack: &Stack) {
        stack
            .api
            .started(&self.workflow, &self.key, &self.input)
            .await;
    }

    /// Runs the execution with its injury, until nothing but the judge is left.
    async fn run(&self, stack: &Stack) -> Result<String, String> {
        let id = self.id();
        if self.express {
            stack.aws.injure(&id, self.injury).await;
        }
        self.start(stack).await;
        match (self.express, self.injury) {
            (true, _) => self.outlive(stack).await,
            (false, Injury::Twice) => self.start_again(stack).await,
            (false, Injury::Dies { at, .. }) => {
                // About the time of as many calls.
                tokio::time::sleep(CALL * at as u32).await;
                let machine = stack.aws.execution(&self.workflow, &id);
                let stop = stack.aws.states.stop_execution().execution_arn(machine);
                // One that has ended by then is refused.
                drop(stop.send().await);
            }
            // Step Functions loses no Standard execution.
            (false, Injury::Never) => {}
        }
        let judged = judge(stack, &id, &self.declared).await;
        judged.map_err(|wrong| format!("{} {:?}: {wrong}", self.workflow, self.injury))
    }

    /// Repeats the start, as a caller does that saw no answer.
    async fn start_again(&self, stack: &Stack) {
        let reply = stack
            .api
            .start(&self.workflow, &self.key, &self.input)
            .await;
        assert!([200, 202].contains(&reply.status), "{}", reply.body);
    }

    /// Waits until every Express run has ended, and lets the sweep look five minutes after the
    /// start. A start of which nothing is recorded is repeated by its caller.
    async fn outlive(&self, stack: &Stack) {
        let id = self.id();
        eventually_within(
            Duration::from_secs(330),
            &format!("the runs of {id} have ended"),
            || async {
                let runs = stack.aws.express_runs(&id).await;
                let alive = runs.iter().any(|run| run.status == "RUNNING");
                if alive {
                    return Err(format!("{runs:?}"));
                }
                let found = stack.api.get(&format!("/v1/executions/{id}")).await;
                if found.status == 404 {
                    self.start_again(stack).await;
                    return Err("nothing was recorded".to_owned());
                }
                Ok(())
            },
        )
        .await;
        let at = ExecutionKey {
            tenant: "acme".to_owned(),
            execution: id,
        };
        stack.aws.sweep_after_runs(&at).await;
    }
}

fn injury(n: usize, dice: &mut Dice) -> Injury {
    let at = 1 + dice.roll(7);
    let dies = |acts, again| Injury::Dies { at, acts, again };
    match n % INJURIES {
        0 => Injury::Twice,
        1 => dies(false, true),
        2 => dies(true, true),
        3 => dies(false, false),
        4 => dies(true, false),
        _ => Injury::Never,
    }
}

/// The starts of one shipped workflow on one tier.
fn starts(shipped: &str, id: &str, express: bool, dice: &mut Dice) -> Vec<InjuredStart> {
    let workflow = if express {
        express_copy(shipped).0
    } else {
        id.to_owned()
    };
    let all = (0..EACH).map(|n| {
        let vendor = unique("vendor");
        let (input, declared) = match id {
            DELAY => (hold(&vendor), DeclaredEffects::of_delay(&vendor)),
            _ => group(&vendor),
        };
        InjuredStart {
            workflow: workflow.clone(),
            key: unique("tier"),
            input,
            declared,
            injury: injury(n, dice),
            express,
        }
    });
    all.collect()
}

/// The input of a group, and the effects on it. Its first vendor meets the planned faults.
fn group(vendor: &str) -> (Value, DeclaredEffects) {
    let (second, exempt) = (format!("{vendor}-second"), format!("{vendor}-exempt"));
    let input = json!({
        "group": vendor, "hold_days": 3, "tell_treasury": true,
        "vendors": [{ "id": vendor }, { "id": second }, { "id": exempt, "exempt": true }],
    });
    let holds = [vendor, &second].map(|held| (held.to_owned(), format!("hold_one[{held}]")));
    let notices = ["tell_accounts_payable", "tell_treasury"].map(str::to_owned);
    let declared = DeclaredEffects {
        holds: holds.to_vec(),
        notices: notices.to_vec(),
    };
    (input, declared)
}

#[test]
fn every_shipped_workflow_that_qualifies_for_express_runs_on_both_tiers() {
    let mut qualify = BTreeSet::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../workflows");
    for file in fs::read_dir(folder).expect("the folder") {
        let path = file.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let (id, copy) = express_copy(&fs::read_to_string(&path).expect("UTF-8"));
        let Err(problems) = read_workflow(&copy) else {
            qualify.insert(id);
            continue;
        };
        // The copy's timeout is no reason: the tier must lack what the workflow does.
        let lacks = |title: &str| title.ends_with("an Express execution ends after 5 minutes");
        let named = problems.iter().any(|problem| lacks(&problem.message));
        assert!(named, "{id}: {problems:#?}");
    }
    let tested = ON_BOTH_TIERS.map(|(shipped, _)| express_copy(shipped).0);
    assert_eq!(qualify, BTreeSet::from(tested));
}

#[tokio::test]
async fn shipped_workflows_on_both_tiers_leave_nothing_twice_and_nothing_unnamed() {
    let stack = &Stack::alone().await;
    for (shipped, _) in ON_BOTH_TIERS {
        stack.aws.deploy(&express_copy(shipped).1).await;
    }
    let seed = Timestamp::now().as_microsecond() as u64;
    eprintln!("the dice's seed is {seed}");
    let mut dice = Dice(seed);
    let mut all = Vec::new();
    for (shipped, id) in ON_BOTH_TIERS {
        for express in [false, true] {
            all.extend(starts(shipped, id, express, &mut dice));
        }
    }
    let planned = stream::iter(all.iter().enumerate());
    planned
        .for_each_concurrent(AT_ONCE, |(n, one)| plan(stack, n, &one.declared.holds[0].0))
        .await;

    let over = AtomicBool::new(false);
    let injured = async {
        let judged = stream::iter(&all).map(|one| async move { (one, one.run(stack).await) });
        let judged: Vec<_> = judged.buffer_unordered(AT_ONCE).collect().await;
        over.store(true, Ordering::Relaxed);
        judged
    };
    let killing = async {
        let mut dice = Dice(seed);
        let some = tokio::time::timeout(KILLS, kill_at_random(&over, &mut dice));
        drop(some.await);
    };
    let (judged, ()) = join(injured, killing).await;
    let wrong: Vec<_> = judged
        .iter()
        .filter_map(|(_, one)| one.as_ref().err())
        .collect();
    assert!(
        wrong.is_empty(),
        "{} wrong, seed {seed}: {wrong:#?}",
        wrong.len()
    );
    let mut ends: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (one, status) in &judged {
        let status = status.as_deref().unwrap_or_default();
        *ends.entry((&one.workflow, status)).or_default() += 1;
    }
    eprintln!("{ends:#?}");
    for express in [false, true] {
        let ended = |end| {
            let mut of_tier = judged.iter().filter(|(one, _)| one.express == express);
            of_tier.any(|(_, status)| status.as_ref().is_ok_and(|status| status.ends_with(end)))
        };
        let both = ended("EXECUTED") && ended("ROLLED_BACK");
        assert!(both, "express: {express}, seed {seed}: {ends:?}");
    }
}
