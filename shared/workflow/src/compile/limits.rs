//! Checks the names that a stack gives to state machines and functions against their limits.

use std::collections::BTreeSet;

use crate::definition::Definition;

/// Longest name of a state machine, in characters
/// (docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
const MAX_MACHINE_NAME: usize = 80;
/// Longest name of a function, in characters
/// (docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html).
const MAX_FUNCTION_NAME: usize = 64;

/// Checks the names of all workflows' state machines and of their actions' functions under each of
/// `stacks`. The error names the longest name and the fix.
pub fn check_names(definitions: &[&Definition], stacks: &[String]) -> Result<(), String> {
    let longest = stacks.iter().max_by_key(|stack| stack.chars().count());
    let Some(stack) = longest else { return Ok(()) };
    let machines = definitions
        .iter()
        .map(|definition| format!("{stack}-{}", definition.workflow));
    check(machines, "state machine", MAX_MACHINE_NAME)?;
    let steps = definitions.iter().flat_map(|one| one.action_steps());
    let actions: BTreeSet<&str> = steps.map(|(_, step, _)| step.action.as_str()).collect();
    let functions = actions
        .iter()
        .map(|action| format!("{stack}-step-{action}"));
    check(functions, "function", MAX_FUNCTION_NAME)
}

fn check(names: impl Iterator<Item = String>, what: &str, most: usize) -> Result<(), String> {
    let names = names.map(|name| (name.chars().count(), name));
    match names.max() {
        Some((length, name)) if length > most => Err(format!(
            "the {what} {name} has a name of {length} characters, at most {most}: \
             shorten the stack's name in samconfig.toml, or the name after it"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::tests::definitions::definition;

    #[test]
    fn the_longest_stack_name_counts() {
        let mut definition = definition(Vec::new());
        definition.workflow = format!("WF-{}", "A".repeat(57));
        let stack = |length: usize| "s".repeat(length);
        let named = |stacks: &[String]| check_names(&[&definition], stacks);
        assert_eq!(named(&[stack(3), stack(19)]), Ok(()));
        let why = named(&[stack(20), stack(3)]).expect_err("81 characters");
        assert!(why.contains("81 characters, at most 80"), "{why}");
        assert_eq!(
            named(&[]),
            Ok(()),
            "without samconfig.toml nothing is known"
        );
    }

    #[test]
    fn a_functions_name_has_at_most_64_characters() {
        use crate::compile::tests::definitions::step_of;
        let action = "a".repeat(39);
        let definition = definition(vec![step_of(&action)]);
        let named = |length: usize| check_names(&[&definition], &["s".repeat(length)]);
        assert_eq!(named(19), Ok(()));
        let why = named(20).expect_err("65 characters");
        assert!(why.contains("65 characters, at most 64"), "{why}");
    }
}
