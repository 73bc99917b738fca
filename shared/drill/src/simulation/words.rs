//! Says the events of a schedule, and what came of them, in words.

use std::fmt;

use super::{
    schedule::{Cut, Event, Judgement, Mishap, Moment, Request, StatusFault},
    weather::Hazard,
};

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hazard(call, hazard) => write!(f, "call {call}: {hazard}"),
            Self::Rerun(number, time) => {
                write!(f, "start {number}: it is run again after {time:?}")
            }
            Self::Mishap(number, mishap) => write!(f, "invocation {number}: {mishap}"),
            Self::Status(number, fault) => write!(f, "status event {number}: {fault}"),
            Self::Request(moment, request) => write!(f, "{moment}: {request}"),
            Self::Decision(number, judgement) => write!(f, "question {number}: {judgement}"),
        }
    }
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refusal => write!(f, "it is refused"),
            Self::Permanent => write!(f, "a target refuses it for good"),
            Self::AsksToWait => write!(f, "a target asks for a pause"),
            Self::LostAnswer => write!(f, "its answer is lost"),
            Self::SlowCall(time) => write!(f, "it is carried out after {time:?}"),
            Self::SlowAnswer(time) => write!(f, "its answer takes {time:?}"),
            Self::DeathBefore => write!(f, "the process dies before it"),
            Self::DeathAfter => write!(f, "the process dies after it"),
            Self::Freeze(time) => write!(f, "the process pauses for {time:?} before it"),
            Self::Outage(time) => write!(f, "every call is refused for {time:?}"),
            Self::Silence => write!(f, "from here on a target confirms no call of the step"),
            Self::Deafness => write!(f, "from here on a target carries out no call of the step"),
        }
    }
}

impl fmt::Display for Mishap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate(time) => write!(f, "a second one follows after {time:?}"),
            Self::Delay(time) => write!(f, "it begins after {time:?}"),
            Self::Stop(time) => write!(f, "its state machine is stopped after {time:?}"),
            Self::LostAnswer => write!(f, "its answer does not reach the state machine"),
        }
    }
}

impl fmt::Display for StatusFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => write!(f, "it is lost"),
            Self::Late(time) => write!(f, "it comes {time:?} late"),
            Self::Twice => write!(f, "it comes twice"),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(number) => write!(f, "at call {number}"),
            Self::After(time) => write!(f, "after {time:?}"),
            Self::Rest => write!(f, "when nothing more is due"),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start {
                execution,
                other_input,
                direct,
            } => {
                let input = if *other_input { "another" } else { "the same" };
                let way = if *direct { ", past the API" } else { "" };
                write!(
                    f,
                    "start execution {execution} again with {input} input{way}"
                )
            }
            Self::Cancel(execution, cut) => write!(f, "cancel execution {execution}{cut}"),
            Self::Rollback(execution, cut) => write!(f, "roll back execution {execution}{cut}"),
            Self::Redrive(execution, cut) => write!(f, "redrive execution {execution}{cut}"),
            Self::Deploy(version) => write!(f, "deploy version {version}"),
            Self::Pause {
                tenant,
                rolls_back,
                lasts,
            } => {
                let scope = if *tenant {
                    "the tenant"
                } else {
                    "the workflow"
                };
                let then = if *rolls_back { ", and roll back" } else { "" };
                write!(f, "pause {scope} for {lasts:?}{then}")
            }
            Self::Resolve => write!(f, "resolve every incident"),
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::BeforeStart => write!(f, ", and the API dies before the start of the owner"),
            Self::Deployment(version) => write!(f, ", and version {version} is deployed meanwhile"),
            Self::DeploymentAndCancel(version) => write!(
                f,
                ", version {version} is deployed meanwhile, and a person cancels"
            ),
        }
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(decision) = self.decision else {
            return write!(f, "no person decides");
        };
        let lost = if self.undelivered {
            ", undelivered"
        } else {
            ""
        };
        write!(f, "{} after {:?}{lost}", decision.name(), self.after)
    }
}

/// Says what came of the work of a process. None means that the process died.
pub(super) fn outcome<T, E: fmt::Display>(
    answer: &Option<Result<T, E>>,
    done: impl FnOnce(&T) -> &str,
) -> String {
    match answer {
        None => "none: the process died".to_owned(),
        Some(Ok(value)) => done(value).to_owned(),
        Some(Err(error)) => error.to_string(),
    }
}
