//! The names that machines and template share: logical ids of functions, substitutions, parameters in texts.

/// Where the machine finds `Begin`'s function.
pub const BEGIN_ARN: &str = "BeginFunctionArn";
/// Where the machine finds the function of `Finish` and `Close`.
pub const FINISH_ARN: &str = "FinishFunctionArn";

/// Where the machine finds the function of `Plan` and of undos that never answered.
pub const PLAN_ARN: &str = "PlanFunctionArn";

/// Where the machine finds the function that puts questions to people.
pub const ASK_ARN: &str = "AskFunctionArn";

/// The logical id, in the template, of an action's function.
pub fn function_id(action: &str) -> String {
    format!("{}StepFunction", pascal(action))
}

/// `vendor-hold` as CloudFormation wants it: `VendorHold`.
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

/// The substitution that holds the ARN of an action's function.
pub fn arn_of(action: &str) -> String {
    format!("Step{}Arn", pascal(action))
}

/// The template parameters that `text` refers to as `${Name}`, in order.
pub fn parameters_in(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric());
        plain.then_some(name)
    })
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
    fn logical_ids_have_letters_and_digits_only() {
        assert_eq!(pascal("vendor-hold"), "VendorHold");
        assert_eq!(pascal("WF-HOLD-VENDOR-2"), "WfHoldVendor2");
    }
}
