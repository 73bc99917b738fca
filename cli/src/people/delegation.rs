//! `holdfast delegations`: the people who decide for a group in the place of a member.

use clap::{Args, Subcommand};
use holdfast_ids::names::{check_group, sanitize};
use holdfast_ledger::Delegation as DelegationRecord;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    options::{ChangeOptions, ReadOptions, Reason, moment, short_text},
    shape::{Delegation, DelegationChange},
};
use crate::{
    api::{ApiRequest, typed},
    report::Trouble,
    screen::{Screen, Tone},
    table::{Cell, Table},
};

/// The characters of a group's name that a path escapes: all but the unreserved ones of RFC 3986,
/// section 2.3.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The options of the list of delegations, or what to do with one.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DelegationsArgs {
    #[command(subcommand)]
    command: Option<DelegationsCommand>,
    #[command(flatten)]
    options: ReadOptions,
}

#[derive(Subcommand)]
enum DelegationsCommand {
    /// Let another person decide for a group of yours for a time
    Set(SetArgs),
    /// Remove your stand-in for a group
    Remove(RemoveArgs),
}

/// The stand-in and the time.
#[derive(Args)]
struct SetArgs {
    /// The group, as your token names it
    group: String,
    /// The `sub` of the stand-in's token
    #[arg(long, value_name = "SUBJECT", value_parser = short_text)]
    to: String,
    /// The end: RFC 3339, or a time from now such as 8h or 14d; 90 days after the beginning at most
    #[arg(long, value_name = "TIME", value_parser = from_now)]
    until: Timestamp,
    /// The beginning; by default, now
    #[arg(long, value_name = "TIME", value_parser = from_now)]
    from: Option<Timestamp>,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    options: ChangeOptions,
}

/// The group.
#[derive(Args)]
struct RemoveArgs {
    /// The group, as it was delegated
    group: String,
    #[command(flatten)]
    options: ChangeOptions,
}

/// Lists the delegations that are not over, or sets or removes one.
pub(crate) fn delegations(args: &DelegationsArgs) -> Result<(), Trouble> {
    match &args.command {
        None => {
            let answer = args.options.api.client()?.read("/v1/delegations")?;
            args.options
                .print(&answer, || table(&answer["delegations"], &Screen::stdout()))
        }
        Some(DelegationsCommand::Set(args)) => {
            check_times(args)?;
            let from = args.from.map_or("now".to_owned(), |from| from.to_string());
            let effect = format!(
                "{} decides for {} in your place, from {from} until {}.",
                args.to, args.group, args.until
            );
            let mut body = json!({
                "to": args.to, "until": args.until, "reason": args.reason.reason,
            });
            if let Some(from) = args.from {
                body["from"] = json!(from);
            }
            change(&args.options, &args.group, Method::PUT, Some(body), &effect)
        }
        Some(DelegationsCommand::Remove(args)) => {
            let effect = format!(
                "your delegation of {} ends: no one decides in your place.",
                args.group
            );
            change(&args.options, &args.group, Method::DELETE, None, &effect)
        }
    }
}

/// Checks the times of a delegation: those that the API would refuse are wrong usage.
fn check_times(args: &SetArgs) -> Result<(), Trouble> {
    let (now, until) = (Timestamp::now(), args.until);
    let begins = args.from.unwrap_or(now);
    let longest = DelegationRecord::LONGEST;
    let days = longest.as_hours() / 24;
    let why = if until <= begins {
        format!("--until {until} is not after {begins}, when the time begins")
    } else if until.duration_since(begins) > longest {
        format!("--until {until} is more than {days} days after {begins}, when the time begins")
    } else if begins.duration_since(now) > longest {
        format!("--from {begins} is more than {days} days from now")
    } else {
        return Ok(());
    };
    Err(Trouble::Usage(why))
}

pub(super) fn table(items: &Value, screen: &Screen) -> Result<String, Trouble> {
    let all: Vec<Delegation> = typed(items)?;
    if all.is_empty() {
        return Ok("no delegations\n".to_owned());
    }
    let mut table = Table::new(&[
        "GROUP", "MEMBER", "STAND-IN", "NOW", "FROM", "UNTIL", "REASON",
    ]);
    for one in all {
        let (now, tone) = match one.in_force {
            true => ("decides", Tone::Good),
            false => ("not yet", Tone::Quiet),
        };
        table.row(vec![
            Cell::of(one.group),
            Cell::of(one.by),
            Cell::of(one.to),
            Cell::of(now).toned(Some(tone)),
            Cell::of(screen.relative(one.from)),
            Cell::of(screen.relative(one.until)),
            Cell::of(one.reason),
        ]);
    }
    Ok(table.render(screen))
}

fn change(
    options: &ChangeOptions,
    group: &str,
    method: Method,
    body: Option<Value>,
    effect: &str,
) -> Result<(), Trouble> {
    check_group(group).map_err(Trouble::Usage)?;
    options.confirmation.ask(effect)?;
    let path = format!("/v1/delegations/{}", utf8_percent_encode(group, ESCAPED));
    let request = ApiRequest {
        body,
        ..ApiRequest::of(method, &path)
    };
    let answer = options.read.api.client()?.done(request)?;
    options.read.print(&answer, || {
        let done: DelegationChange = typed(&answer)?;
        Ok(sanitize(&in_words(&done)) + "\n")
    })
}

/// A delegation that was set or removed, in words.
pub(super) fn in_words(done: &DelegationChange) -> String {
    let before = match done.replayed {
        true => ", as before",
        false => "",
    };
    let one = &done.delegation;
    match done.removed {
        true => format!("{} has no stand-in for {}{before}", one.by, one.group),
        false => format!(
            "{} decides for {} in the place of {}, from {} until {}{before}",
            one.to, one.group, one.by, one.from, one.until
        ),
    }
}

/// Reads a time, or a time from now.
fn from_now(text: &str) -> Result<Timestamp, String> {
    moment(text, 1)
}
