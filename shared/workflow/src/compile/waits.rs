//! Compiles the steps that wait for a time.

use serde_json::json;

use super::{
    expressions::ExpressionContext,
    row::{Position, Row},
};
use crate::definition;
use holdfast_asl::{Exit, Inner, Parallel, State, States, Until, Wait};

/// Compiles a wait. The expression of a time may fail, and a Wait state cannot catch. Outside every
/// container such a wait gets a Parallel of its own, which can.
pub(super) fn wait_state(
    name: &str,
    wait: &definition::Wait,
    row: Row<'_>,
    position: Position<'_>,
) -> State {
    let assign = position.assign(None);
    let Position { exit, output, item } = position;
    let until = match wait {
        definition::Wait::Seconds(seconds) => {
            return State::Wait(Wait {
                until: Until::Seconds(json!(seconds)),
                assign,
                output,
                exit,
            });
        }
        definition::Wait::Until(expression) => expression,
    };
    let item = ExpressionContext {
        item,
        ..ExpressionContext::default()
    };
    let until = Until::Timestamp(item.expression(until.jsonata()));
    let catch = row.catch(name);
    if catch.is_empty() {
        return State::Wait(Wait {
            until,
            assign,
            output,
            exit,
        });
    }
    let inner = format!("{name}.until");
    let wait = State::Wait(Wait {
        until,
        assign: None,
        output: None,
        exit: Exit::End(true),
    });
    let branch = Inner {
        processor_config: None,
        start_at: inner.clone(),
        states: States::from([(inner, wait)]),
    };
    State::Parallel(Parallel {
        branches: vec![branch],
        assign,
        output,
        catch,
        exit,
    })
}
