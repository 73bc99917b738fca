//! Defines the names that state machines and template share: logical ids of functions,
//! substitutions, parameters.

/// Substitution for the ARN of the function of `Begin`.
pub const BEGIN_ARN: &str = "BeginFunctionArn";
/// Substitution for the ARN of the function of `Finish` and `Close`.
pub const FINISH_ARN: &str = "FinishFunctionArn";

/// Substitution for the ARN of the function of `Plan`, which also records undos that never
/// answered.
pub const PLAN_ARN: &str = "PlanFunctionArn";

/// Substitution for the ARN of the function that puts questions to people.
pub const ASK_ARN: &str = "AskFunctionArn";

/// Substitution for the URL of the queue from which `recover` reads ended executions.
pub const ENDED_URL: &str = "StatusEventQueueUrl";

/// Returns the logical id, in the template, of an action's function.
pub fn function_id(action: &str) -> String {
    format!("{}StepFunction", pascal(action))
}

/// Converts `vendor-hold` to `VendorHold`, the form of CloudFormation.
pub(super) fn pascal(name: &str) -> String {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .map(|part| {
            let mut letters = part.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters.map(|c| c.to_ascii_lowercase()))
                .collect::<String>()
        })
        .collect()
}

/// Returns the substitution for the ARN of an action's function.
pub fn arn_of(action: &str) -> String {
    format!("Step{}Arn", pascal(action))
}

/// Returns the template parameters that `text` refers to as `${Name}`, in order.
pub fn parameters_in(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).filter_map(name_before)
}

/// Returns every `${…}` of `text` that cannot be a template parameter, in order. Without a closing
/// brace, that is the rest of its line.
pub(crate) fn no_parameters_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("${").filter_map(|(at, _)| {
        let written = &text[at..];
        match name_before(&written[2..]) {
            Some(_) => None,
            None => {
                let line = written.lines().next().unwrap_or(written);
                let end = line.find('}').map_or(line.len(), |end| end + 1);
                Some(&line[..end])
            }
        }
    })
}

/// Returns the plain name before the first closing brace.
fn name_before(rest: &str) -> Option<&str> {
    let (name, _) = rest.split_once('}')?;
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric());
    plain.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_parameters() {
        let text = "${VendorSystemUrl}/a ${B} $${c} {${1}} ${a-b} ${unfinished";
        assert_eq!(
            parameters_in(text).collect::<Vec<_>>(),
            ["VendorSystemUrl", "B", "c"]
        );
    }

    #[test]
    fn any_other_text_after_a_dollar_and_a_brace_is_no_parameter() {
        let text = "${VendorSystemUrl} ${AWS::Region} {${1}} ${a-b} ${} ${!Lit} ${unfinished";
        assert_eq!(
            no_parameters_in(text).collect::<Vec<_>>(),
            [
                "${AWS::Region}",
                "${1}",
                "${a-b}",
                "${}",
                "${!Lit}",
                "${unfinished"
            ]
        );
    }

    #[test]
    fn logical_ids_have_letters_and_digits_only() {
        assert_eq!(pascal("vendor-hold"), "VendorHold");
        assert_eq!(pascal("WF-HOLD-VENDOR-2"), "WfHoldVendor2");
    }
}
