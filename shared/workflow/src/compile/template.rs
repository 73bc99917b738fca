//! Replaces the generated region of template.yaml and reads the names of its parameters.

use super::region::RECOVERY;

const BEGIN: &str = "  # <holdfast>";
const END: &str = "  # </holdfast>";

/// Returns the names of the template's parameters.
pub fn template_parameters(template: &str) -> Vec<String> {
    let section = template
        .lines()
        .skip_while(|line| line.trim_end() != "Parameters:")
        .skip(1);
    ids(section.take_while(|line| line.is_empty() || line.starts_with([' ', '#'])))
        .map(str::to_owned)
        .collect()
}

/// Returns `template` with `region` between its two marks. The error names the template's fault and
/// the fix.
pub(super) fn replace_region(template: &str, region: &str) -> Result<String, String> {
    let help =
        || format!("two lines must mark the generated part of Resources: `{BEGIN} …` and `{END}`");
    let begin = template.find(&format!("\n{BEGIN}")).ok_or_else(help)? + 1;
    let body = begin + template[begin..].find('\n').ok_or_else(help)? + 1;
    // Whole lines: a text of a definition may contain the mark, and is never alone on its line.
    let end = format!("\n{END}\n");
    let end = body - 1 + template[body - 1..].find(&end).ok_or_else(help)? + 1;
    let (before, after) = (&template[..body], &template[end..]);
    let written: Vec<&str> = ids(before.lines().chain(after.lines())).collect();
    let own: Vec<&str> = ids(RECOVERY.lines()).collect();
    let mut generated: Vec<&str> = Vec::new();
    for id in ids(region.lines()) {
        if written.contains(&id) {
            return Err(format!(
                "the name {id} is taken by hand, and a workflow needs it: rename the workflow"
            ));
        }
        if own.contains(&id) && generated.contains(&id) {
            return Err(format!(
                "the name {id} is taken by Holdfast's recovery state machine, and a workflow needs \
                 it: rename the workflow"
            ));
        }
        if generated.contains(&id) {
            return Err(format!(
                "two workflows or triggers need the name {id}: rename one of them"
            ));
        }
        generated.push(id);
    }
    Ok(format!("{before}{region}{after}"))
}

/// Returns the keys at the second level: names of parameters, resources, outputs.
fn ids<'a>(lines: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    lines
        .filter_map(|line| line.strip_prefix("  ")?.split_once(':'))
        .map(|(name, _)| name)
        .filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "Parameters:\n  VendorUrl:\n    Type: String\n\n  # said by hand\n  Other: { Type: String }\n\
                            Resources:\n  Ledger:\n    Type: T\n  # <holdfast> generated\n  Old: {}\n  # </holdfast>\n";

    #[test]
    fn parameters_are_read_from_their_section_alone() {
        assert_eq!(template_parameters(TEMPLATE), ["VendorUrl", "Other"]);
    }

    #[test]
    fn only_the_marked_region_changes() {
        let new = replace_region(TEMPLATE, "  New: {}\n").expect("marked");
        assert_eq!(new, TEMPLATE.replace("Old", "New"));
        assert_eq!(
            replace_region(&new, "  New: {}\n"),
            Ok(new.clone()),
            "again changes nothing"
        );
    }

    #[test]
    fn a_mark_inside_a_text_ends_no_region() {
        let region = "  New: { Text: \"  # </holdfast>\" }\n";
        let new = replace_region(TEMPLATE, region).expect("marked");
        assert_eq!(replace_region(&new, region), Ok(new.clone()));
        let removed = replace_region(&new, "").expect("marked");
        assert_eq!(removed, TEMPLATE.replace("  Old: {}\n", ""));
    }

    #[test]
    fn a_template_that_cannot_take_the_region_says_why() {
        let unmarked = TEMPLATE.replace("<holdfast>", "");
        assert!(
            replace_region(&unmarked, "")
                .expect_err("no mark")
                .contains("two lines must mark")
        );
        assert!(
            replace_region(TEMPLATE, "  Ledger: {}\n")
                .expect_err("taken")
                .contains("Ledger is taken by hand")
        );
        assert!(
            replace_region(TEMPLATE, "  A: {}\n  A: {}\n")
                .expect_err("twice")
                .contains("two workflows or triggers")
        );
        let taken = replace_region(TEMPLATE, &format!("{RECOVERY}  RecoveryMachine: {{}}\n"));
        let taken = taken.expect_err("taken");
        assert!(
            taken.contains("RecoveryMachine is taken by Holdfast's recovery"),
            "{taken}"
        );
    }
}
