//! `holdfast drill`: runs a workflow through every fault at every place and shows each end.

use std::path::{Path, PathBuf};

use clap::Args;
use holdfast_action::ActionInfo;
use holdfast_drill::{Drill, Matrix, Outcome, RunInputs, Scenario, Settings, Simulator};
use holdfast_ids::{names::sanitize, time::read_time};
use holdfast_task::Tier;
use holdfast_workflow::definition::{
    self, Answers, Definition, Environment, Problem, read_answers,
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use crate::{
    output::{line, say, text},
    project::{self, Project},
    report::{InFile, Trouble},
    simulate,
    workflows::{self, Workflow},
};

/// The workflow to drill, and the options.
#[derive(Args)]
pub(crate) struct DrillArgs {
    /// The workflow's file
    file: PathBuf,
    #[command(flatten)]
    sample: Sample,
    /// Also every two faults together
    #[arg(long)]
    pairs: bool,
    /// Only the scenario of this name, shown state by state
    #[arg(long, value_name = "NAME", conflicts_with = "pairs")]
    only: Option<String>,
    /// The seed of random values: two drills with the same seed do the same
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Random schedules of several executions at once, from the seed on; 1 shows one schedule
    #[arg(long, value_name = "N", conflicts_with_all = ["pairs", "only"],
          value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) schedules: Option<u64>,
    /// Every single disturbance, each followed by rollbacks, redrives and deployments at rest
    #[arg(long, conflicts_with_all = ["pairs", "only"])]
    pub(crate) follow_ups: bool,
    /// At every call a slow answer beside a cancel, alone and with a later call that is slow too
    #[arg(long, conflicts_with_all = ["pairs", "only", "follow_ups"])]
    pub(crate) races: bool,
}

/// Input, answers of targets and start time of a run in process.
#[derive(Args)]
pub(crate) struct Sample {
    /// A JSON file with the input; by default it is made from the workflow's input schema
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// A YAML file with the answers of targets; by default http steps answer 200 without a body
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// The time of the start, as 2026-01-05T09:00:00Z; by default 2025-09-29T13:00:00Z, a Monday
    #[arg(long, value_name = "TIME", value_parser = start_time)]
    at: Option<Timestamp>,
}

/// Reads the time of a start, which leaves room for a run of years.
fn start_time(text: &str) -> Result<Timestamp, String> {
    let at = read_time(text).map_err(|error| format!("it {error}"))?;
    let year = at.to_zoned(TimeZone::UTC).year();
    match (1970..9000).contains(&year) {
        true => Ok(at),
        false => Err(format!("{year} is no year from 1970 to 8999")),
    }
}

/// The most violations that are listed.
const MAX_LISTED: usize = 20;

/// A workflow to run in process, with the inputs of its run.
struct DrillSetup {
    workflow: Workflow,
    actions: Vec<ActionInfo>,
    run_inputs: RunInputs,
}

pub(crate) fn run(project: &Project, args: &DrillArgs) -> Result<(), Trouble> {
    let settings = Settings {
        seed: args.seed,
        ..Settings::default()
    };
    for setup in setups(project, &args.file, &args.sample)? {
        if args.schedules.is_some() || args.follow_ups || args.races {
            simulate::run(&setup.simulator()?, args)?;
            continue;
        }
        let drill = setup.drill(settings)?;
        match &args.only {
            Some(name) => one(&drill, name)?,
            None => all(&drill, args.pairs)?,
        }
    }
    Ok(())
}

/// A workflow to drill, on its own tier and on the other one.
pub(crate) struct TierDrills {
    /// The id.
    pub(crate) id: String,
    /// The drill on its own tier.
    pub(crate) drill: Drill,
    /// The name of the other tier.
    pub(crate) other_tier: &'static str,
    /// The drill on the other tier, or the reason why the workflow cannot have that tier.
    pub(crate) other: Result<Drill, String>,
}

/// Returns the workflows in a file, each on both tiers.
pub(crate) fn tier_drills(
    project: &Project,
    file: &Path,
    sample: &Sample,
) -> Result<Vec<TierDrills>, Trouble> {
    let found = setups(project, file, sample)?;
    let drilled = found.into_iter().map(|setup| {
        let (other, other_tier) = match setup.workflow.definition.tier {
            Tier::Standard => (Tier::Express, "express"),
            Tier::Express => (Tier::Standard, "standard"),
        };
        let drill = setup.drill(Settings::default())?;
        let id = setup.workflow.definition.workflow.clone();
        let other = match setup.with_tier(project, file, other)? {
            Ok(setup) => setup.drill_or_reason(Settings::default()),
            Err(why) => Err(why),
        };
        Ok(TierDrills {
            id,
            drill,
            other_tier,
            other,
        })
    });
    drilled.collect()
}

fn setups(project: &Project, file: &Path, sample: &Sample) -> Result<Vec<DrillSetup>, Trouble> {
    let workflows = workflows::read(project, &[file.to_owned()])?;
    let input = sample.input.as_deref().map(|path| {
        let input = serde_json::from_str(&project::read(path)?);
        input.map_err(|error| Trouble::Other(format!("{}: {error}", path.display())))
    });
    let input: Option<Value> = input.transpose()?;
    let setups = workflows.into_iter().map(|workflow| {
        let actions = workflows::actions();
        let answers = match &sample.answers {
            Some(path) => answers(project, path, &workflow.definition, &actions)?,
            None => Answers::new(),
        };
        Ok(DrillSetup {
            workflow,
            actions,
            run_inputs: RunInputs {
                input: input.clone(),
                answers,
                at: sample.at,
            },
        })
    });
    setups.collect()
}

impl DrillSetup {
    fn trouble(&self) -> impl Fn(String) -> Trouble {
        let file = self.workflow.file.clone();
        move |error| Trouble::Other(format!("{file}: {error}"))
    }

    /// Returns the workflow with another tier, or the reason why it cannot have it.
    fn with_tier(
        mut self,
        project: &Project,
        file: &Path,
        tier: Tier,
    ) -> Result<Result<Self, String>, Trouble> {
        let known = Environment {
            actions: &self.actions.iter().collect::<Vec<_>>(),
            parameters: &project.parameters,
        };
        let read = definition::read_as(&project::read(file)?, &known, tier);
        Ok(match read {
            Ok(definition) => {
                self.workflow.definition = definition;
                Ok(self)
            }
            Err(problems) => Err(reason(&problems)),
        })
    }

    fn drill(&self, settings: Settings) -> Result<Drill, Trouble> {
        self.drill_or_reason(settings).map_err(self.trouble())
    }

    fn drill_or_reason(&self, settings: Settings) -> Result<Drill, String> {
        let Workflow {
            definition, file, ..
        } = &self.workflow;
        Drill::of(definition, file, &self.actions, &self.run_inputs, settings)
    }

    fn simulator(&self) -> Result<Simulator, Trouble> {
        let Workflow {
            definition, file, ..
        } = &self.workflow;
        let run_inputs = self.run_inputs.clone();
        Simulator::of(definition, file, &self.actions, run_inputs).map_err(self.trouble())
    }
}

/// Returns the reason why a definition cannot have a tier: the rule of the tier that it breaks, or
/// the first problem with its fix.
fn reason(problems: &[Problem]) -> String {
    let mut of_tier = problems.iter().map(|problem| &problem.message);
    match (
        of_tier.find(|why| why.contains("Express")),
        problems.first(),
    ) {
        (Some(why), _) => why.clone(),
        (None, Some(first)) => format!("{} ({})", first.message, first.help),
        (None, None) => String::new(),
    }
}

/// Returns the answers in a file, or every problem in it.
fn answers(
    project: &Project,
    path: &Path,
    definition: &Definition,
    actions: &[ActionInfo],
) -> Result<Answers, Trouble> {
    let source = project::read(path)?;
    read_answers(&source, definition, actions).map_err(|problems| {
        Trouble::Problems(vec![InFile {
            file: project.show(path),
            source,
            problems,
        }])
    })
}

/// Shows one scenario state by state.
fn one(drill: &Drill, name: &str) -> Result<(), Trouble> {
    let scenario: Scenario = name.parse().map_err(Trouble::Usage)?;
    drill.check(&scenario).map_err(Trouble::Usage)?;
    let outcome = drill.run(&scenario).map_err(Trouble::Other)?;
    outcome.story.iter().try_for_each(|entry| line(entry))?;
    let status = outcome.status.as_deref().unwrap_or("no execution began");
    line("")?;
    line(&format!("ended      {status}"))?;
    if let Some(receipt) = &outcome.receipt {
        if let Some(subject) = &receipt.subject {
            line(&format!("subject    {}", sanitize(subject)))?;
        }
        for field in &receipt.shown {
            line(&format!(
                "shows      {}: {}",
                field.label,
                sanitize(&field.value)
            ))?;
        }
        for (step, branch) in &receipt.choices {
            line(&format!("branch     {step}: {branch}"))?;
        }
        if let Some(stopped) = &receipt.stopped {
            line(&format!("stopped    {}: {}", stopped.step, stopped.reason))?;
        }
    }
    for (step, count) in &outcome.remaining {
        line(&format!("remains    {step}: {count}"))?;
    }
    let receipt = outcome.receipt.iter();
    for residual in receipt.flat_map(|receipt| &receipt.residual_effects) {
        let certainty = if residual.certain {
            "certain"
        } else {
            "possible"
        };
        line(&format!("residual   {}: {certainty}", residual.step))?;
    }
    if !outcome.struck {
        say("a fault of this scenario did not occur: the run did not reach its call");
    }
    judge(&[(&scenario, &outcome)])
}

/// Shows the end of every scenario.
fn all(drill: &Drill, pairs: bool) -> Result<(), Trouble> {
    for step in drill.not_reached() {
        say(&format!(
            "{step} is not drilled in full: this input does not lead to it, or to its question (see \
             --input)"
        ));
    }
    let singles = drill.singles();
    let mut outcomes = drill.run_all(&singles).map_err(Trouble::Other)?;
    text(&Matrix::of_singles(&singles, &outcomes).to_string())?;
    let mut scenarios = singles;
    if pairs {
        let both = drill.pairs();
        let ends = drill.run_all(&both).map_err(Trouble::Other)?;
        text(&format!("\n{}", Matrix::of_pairs(&both, &ends)))?;
        scenarios.extend(both);
        outcomes.extend(ends);
    }
    judge(&scenarios.iter().zip(&outcomes).collect::<Vec<_>>())?;
    line("")?;
    let met = outcomes.iter().filter(|outcome| outcome.struck).count();
    let unmet = match scenarios.len() - met {
        0 => String::new(),
        some => format!("; in {some} a fault did not occur, as the run did not reach its call"),
    };
    line(&format!(
        "{} scenarios, and every one held{unmet}",
        scenarios.len()
    ))
}

/// Names every scenario that has a violation.
fn judge(drilled: &[(&Scenario, &Outcome)]) -> Result<(), Trouble> {
    let broken = drilled.iter().flat_map(|(scenario, outcome)| {
        let violations = outcome.violations.iter();
        violations.map(move |what| format!("\n  {scenario}: {what}"))
    });
    let broken: Vec<String> = broken.collect();
    if broken.is_empty() {
        return Ok(());
    }
    let listed: String = broken.iter().take(MAX_LISTED).map(String::as_str).collect();
    let more = broken.len().saturating_sub(MAX_LISTED);
    let more = if more == 0 {
        String::new()
    } else {
        format!("\n  and {more} more")
    };
    Err(Trouble::Other(format!(
        "scenarios have violations; holdfast drill FILE --only NAME shows one:{listed}{more}"
    )))
}
