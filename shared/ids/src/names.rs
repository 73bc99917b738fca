//! Checks of names that people and systems send, and sanitizing of texts that are shown.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{CodePointSetData, props::DefaultIgnorableCodePoint};

/// Longest tenant name, in characters.
pub const TENANT_MAX: usize = 63;
/// Longest idempotency key, in characters.
pub const KEY_MAX: usize = 255;

/// Checks a tenant's name: lower-case letters, digits and hyphens, so that it is safe in the keys
/// of objects and ledger items.
pub fn check_tenant(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if name.len() <= TENANT_MAX
        && name.starts_with(plain)
        && name.chars().all(|c| plain(c) || c == '-')
    {
        return Ok(());
    }
    // A trigger may have read the name from a wrong member of its event, so no error quotes it.
    Err(format!(
        "a tenant's name has 1 to {TENANT_MAX} lower-case letters, digits and hyphens, and starts \
         with a letter or digit"
    ))
}

/// Checks an idempotency key: visible ASCII, so that a header can carry it.
pub fn check_idempotency_key(key: &str) -> Result<(), String> {
    if (1..=KEY_MAX).contains(&key.len()) && key.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(());
    }
    Err(format!(
        "an idempotency key has 1 to {KEY_MAX} visible ASCII characters without spaces, such as a UUID"
    ))
}

/// Longest text that names a person, a trigger or a case, in characters.
pub const TEXT_MAX: usize = 200;

/// Checks a short text that people read on one line; `place` names its field in the error.
pub fn check_text(place: &str, text: &str) -> Result<(), String> {
    let right = (1..=TEXT_MAX).contains(&text.chars().count())
        && !text.chars().any(is_hidden)
        && !text.trim().is_empty();
    match right {
        true => Ok(()),
        false => Err(format!(
            "{place} has 1 to {TEXT_MAX} visible characters on one line"
        )),
    }
}

/// Longest name of a group of people, in characters.
pub const GROUP_MAX: usize = 100;

/// Checks the name of a group of people, as tokens and definitions write it.
pub fn check_group(name: &str) -> Result<(), String> {
    let right = (1..=GROUP_MAX).contains(&name.chars().count())
        && !name.chars().any(is_hidden)
        && name.trim() == name;
    match right {
        true => Ok(()),
        false => Err(format!(
            "group {} is not a group name: 1 to {GROUP_MAX} visible characters without a space at \
             either end",
            quoted(name)
        )),
    }
}

/// Returns whether two names are one group's: case counts, and Unicode's composed and decomposed
/// spellings (NFC) are the same name.
pub fn same_group(one: &str, other: &str) -> bool {
    group_form(one) == group_form(other)
}

/// The form of a group's name that both of its Unicode spellings share (NFC).
pub fn group_form(name: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(name)
}

/// Returns whether two names are one person's. Systems write a name differently, so case, width,
/// ligatures, invisible characters and the number of spaces do not count. Letters that only look
/// alike do count.
///
/// A person is a subject of the deployment's one issuer.
pub fn same_person(one: &str, other: &str) -> bool {
    person_form(one) == person_form(other)
}

/// The form of a name that all spellings of it share: Unicode's compatibility form (NFKC), without
/// case, invisible characters, and spaces beyond one between words. It resembles `NFKC_Casefold`:
/// <https://www.unicode.org/reports/tr44/#NFKC_Casefold>.
pub fn person_form(name: &str) -> String {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let seen = nfkc.normalize(name);
    let blank = |c: char| c.is_whitespace() || c == '\u{2800}';
    let seen = seen.chars().filter(|c| blank(*c) || !is_hidden(*c));
    let seen = seen.map(|c| if blank(c) { ' ' } else { c });
    // Through upper case, so that `ß` is `ss`, and each sigma is one.
    let upper = seen.flat_map(char::to_uppercase);
    let lower: String = upper.flat_map(char::to_lowercase).collect();
    let lower = nfkc.normalize(&lower);
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns whether `id` has the form of an execution id: 40 lower-case hex digits.
pub fn is_execution_id(id: &str) -> bool {
    id.len() == 40 && id.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

/// Returns whether `id` has the form of a workflow id: `WF-` and groups of capitals and digits, at
/// most 60 characters.
pub fn is_workflow_id(id: &str) -> bool {
    let group = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    };
    id.len() <= 60
        && id
            .strip_prefix("WF-")
            .is_some_and(|rest| rest.split('-').all(group))
}

/// The name of a step for people: `step`, or `step[item]` for an item of a `for_each`.
pub fn step_label(step: &str, item: Option<&str>) -> String {
    item.map_or_else(|| step.to_owned(), |item| format!("{step}[{item}]"))
}

/// Returns whether an item's name may have this character (see [`crate::keys::item_name`]).
pub(crate) fn is_item_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '@')
}

/// Sanitizes a message about steps for a log. It also removes the names of items, since they come
/// from inputs: `step[item]` becomes `step`.
pub fn loggable(message: &str) -> String {
    let mut kept = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('[') {
        kept.push_str(before);
        match after.split_once(']') {
            Some((item, more))
                if !item.is_empty()
                    && item.chars().all(is_item_char)
                    && before.ends_with(is_item_char) =>
            {
                rest = more
            }
            _ => {
                kept.push('[');
                rest = after;
            }
        }
    }
    sanitize(&(kept + rest))
}

/// Returns whether a character is invisible or acts on a terminal. Such a one is a control, a
/// separator of lines, an annotation, or of Unicode's property `Default_Ignorable_Code_Point`.
///
/// Source: <https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt>, as the crate
/// `icu_properties` has it.
pub fn is_hidden(c: char) -> bool {
    let acts = matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}');
    acts || c.is_control() || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Replaces every control character and invisible mark in `text`, which a caller or a target may
/// have written.
pub fn sanitize(text: &str) -> String {
    text.replace(is_hidden, "\u{fffd}")
}

/// Like [`sanitize`], but keeps the ends of lines.
pub fn sanitize_lines(text: &str) -> String {
    text.replace(|c| c != '\n' && is_hidden(c), "\u{fffd}")
}

/// Quotes `text`, escaped and cut to 80 characters, so that it is safe to show.
pub fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(80).collect();
    let dots = if shown.len() < text.len() { "…" } else { "" };
    let escaped: String = shown
        .chars()
        .flat_map(|c| {
            if c.is_ascii() {
                c.escape_default().collect::<Vec<_>>()
            } else {
                c.escape_unicode().collect()
            }
        })
        .collect();
    format!("\"{escaped}{dots}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_safe_in_object_keys_and_item_keys() {
        for good in ["acme", "a", "7-eleven", &"a".repeat(63)] {
            assert_eq!(check_tenant(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "-a",
            "Acme",
            "a/b",
            "a#b",
            "a b",
            "ac\u{0}me",
            "аcme",
            &"a".repeat(64),
        ] {
            let error = check_tenant(bad).expect_err(bad);
            assert!(error.contains("lower-case"), "{error}");
        }
    }

    #[test]
    fn an_error_does_not_quote_the_name_or_the_key() {
        let secret = "hunter2 ".repeat(40);
        let errors = [check_tenant(&secret), check_idempotency_key(&secret)];
        for error in errors.map(|checked| checked.expect_err("spaces")) {
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn an_idempotency_key_is_visible_ascii() {
        assert_eq!(check_idempotency_key("risk-2025-09-29/17"), Ok(()));
        for bad in ["", "a b", "a\nb", "kéy", &"k".repeat(256)] {
            check_idempotency_key(bad).expect_err(bad);
        }
    }

    #[test]
    fn another_spelling_is_not_another_person() {
        for (one, other) in [
            ("Ann", "ann"),
            (" ANN\t", "ann"),
            ("ann\u{a0}lee", "ann  lee"),
            ("\u{2800}ann\u{3000}", "ann"),
            // Width, ligature, superscript, composed and decomposed letters.
            ("\u{ff41}\u{ff4e}\u{ff4e}", "ann"),
            ("so\u{fb01}a", "sofia"),
            ("ann\u{b2}", "ann2"),
            ("zo\u{eb}", "zoe\u{308}"),
            ("ZO\u{cb}", "zoe\u{308}"),
            // Invisible characters: zero width, soft hyphen, direction, filler, variation.
            ("a\u{200b}nn", "ann"),
            ("an\u{ad}n", "ann"),
            ("ann\u{202e}", "ann"),
            ("ann\u{3164}", "ann"),
            ("ann\u{fe0f}", "ann"),
            // Letters with another length or several forms in the other case.
            ("stra\u{df}e", "STRASSE"),
            (
                "\u{3bd}\u{3af}\u{3ba}\u{3bf}\u{3c2}",
                "\u{39d}\u{38a}\u{39a}\u{39f}\u{3a3}",
            ),
            ("\u{130}pek", "i\u{307}pek"),
        ] {
            assert!(same_person(one, other), "{one:?} {other:?}");
            assert!(same_person(other, one), "{other:?} {one:?}");
            let form = person_form(one);
            assert_eq!(person_form(&form), form, "{one:?}");
        }
        for (one, other) in [
            ("ann", "anna"),
            ("ann", ""),
            ("ann lee", "annlee"),
            ("zoe", "zo\u{eb}"),
            // Cyrillic letters that look Latin.
            ("\u{430}nn", "ann"),
            ("ann@acme", "ann@globex"),
        ] {
            assert!(!same_person(one, other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_group_is_one_name_in_either_unicode_spelling_and_case_counts() {
        for good in ["cfo", "Treasury EU", "tr\u{e9}sorerie", &"g".repeat(100)] {
            assert_eq!(check_group(good), Ok(()), "{good}");
        }
        for bad in ["", " cfo", "cfo ", "c\nfo", "cfo\u{200b}", &"g".repeat(101)] {
            let error = check_group(bad).expect_err(bad);
            assert!(error.contains("1 to 100 visible characters"), "{error}");
        }
        assert!(same_group("tr\u{e9}sorerie", "tre\u{301}sorerie"));
        assert!(!same_group("cfo", "CFO") && !same_group("cfo", "cfo2"));
    }

    #[test]
    fn a_text_for_people_is_one_line_of_at_most_200_characters() {
        for good in ["a", "Zoë 名前", &"é".repeat(200)] {
            assert_eq!(check_text("by", good), Ok(()), "{good}");
        }
        for bad in [
            "",
            " ",
            "a\nb",
            "a\u{1b}[31m",
            "ann\u{3164}",
            "a\u{e0101}nn",
            &"a".repeat(201),
        ] {
            let error = check_text("by", bad).expect_err(bad);
            assert_eq!(error, "by has 1 to 200 visible characters on one line");
        }
    }

    #[test]
    fn a_quoted_text_has_no_control_characters() {
        assert_eq!(
            quoted("a\u{1b}[31m\n\u{202e}"),
            r#""a\u{1b}[31m\n\u{202e}""#
        );
    }

    #[test]
    fn controls_and_invisible_marks_are_hidden_and_letters_of_any_language_are_not() {
        for hidden in [
            '\0',
            '\n',
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{200b}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{ad}',
            '\u{2028}',
            '\u{fffa}',
            // A joiner, fillers, variation selectors, a shorthand control, a tag.
            '\u{34f}',
            '\u{115f}',
            '\u{3164}',
            '\u{ffa0}',
            '\u{fe0f}',
            '\u{e0101}',
            '\u{1bca0}',
            '\u{e0041}',
        ] {
            assert!(is_hidden(hidden), "{hidden:?}");
        }
        assert!(!"Zoë 名前 имя اسم €".chars().any(is_hidden));
    }

    #[test]
    fn a_workflow_id_has_groups_of_capitals_and_digits() {
        assert!(is_workflow_id("WF-DELAY-VENDOR-PAYMENTS-ACME"));
        for bad in ["", "WF", "WF-", "WF--A", "wf-a", "WF-A/B", "WF-a"] {
            assert!(!is_workflow_id(bad), "{bad}");
        }
    }

    #[test]
    fn a_loggable_message_has_no_item_names_and_no_control_characters() {
        for (message, logged) in [
            ("hold[v-1@x.org]: HTTP 404", "hold: HTTP 404"),
            (
                "undo of hold[a.b]: twice, hold[c]: once",
                "undo of hold: twice, hold: once",
            ),
            (
                "[a] is a list, x[] and x[a b] too, x[",
                "[a] is a list, x[] and x[a b] too, x[",
            ),
            ("hold: HTTP 503", "hold: HTTP 503"),
            ("a\u{202e}b\u{1b}[2J\nc", "a\u{fffd}b\u{fffd}[2J\u{fffd}c"),
        ] {
            assert_eq!(loggable(message), logged);
        }
    }
}
