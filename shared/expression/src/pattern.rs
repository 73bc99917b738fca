//! Checks that a regex means the same to ECMAScript, which JSONata 2.0.6 names, and to Java.
//!
//! Step Functions does not publish its implementation. Others measured that its `$random(42)` is
//! the first number of `java.util.Random` (github.com/floci-io/floci/issues/2662). Java's rules are
//! those of `java.util.regex.Pattern` (docs.oracle.com/en/java/javase/21/docs/api/java.base).

use std::{iter::Peekable, str::Chars};

/// Escapes of letters that mean the same everywhere.
const ESCAPES: &str = "dDwWtnr";
/// Escapes of letters that match several characters.
const CLASSES: &str = "dDwW";
/// Characters that an escape takes literally.
const PUNCTUATION: &str = r"\^$.*+?()[]{}|/-";
/// Largest number of repetitions in braces.
const MAX_REPEAT: u32 = 1_000;

/// Checks a regex without its slashes. The error names what is refused, and what is right.
pub(crate) fn check_pattern(pattern: &str, flags: &str) -> Result<(), String> {
    if flags.contains('m') {
        return Err(
            "the flag `m` knows other line breaks to other engines; write `(?:^|\\n)`".to_owned(),
        );
    }
    if flags.contains('i') && !pattern.is_ascii() {
        return Err(
            "the flag `i` holds for ASCII letters alone to some engines; write both letters: `[äÄ]`"
                .to_owned(),
        );
    }
    let mut reader = Reader {
        rest: pattern.chars().peekable(),
    };
    reader.alternatives()?;
    match reader.rest.next() {
        None => Ok(()),
        Some(_) => Err("a `)` has no `(`; write `\\)`".to_owned()),
    }
}

/// The properties of one part of a regex.
#[derive(Clone, Copy)]
struct PatternPart {
    /// True if the part may match an empty text.
    empty: bool,
    /// True if the part is a group.
    group: bool,
    /// True if a group inside the part captures.
    captures: bool,
}

const CHARACTER: PatternPart = PatternPart {
    empty: false,
    group: false,
    captures: false,
};

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn takes(&mut self, expected: char) -> bool {
        self.rest.next_if_eq(&expected).is_some()
    }

    fn alternatives(&mut self) -> Result<PatternPart, String> {
        let mut whole = self.sequence()?;
        while self.takes('|') {
            let next = self.sequence()?;
            whole.empty |= next.empty;
            whole.captures |= next.captures;
        }
        Ok(whole)
    }

    fn sequence(&mut self) -> Result<PatternPart, String> {
        let mut whole = PatternPart {
            empty: true,
            ..CHARACTER
        };
        while self.rest.peek().is_some_and(|next| !"|)".contains(*next)) {
            let (part, captures) = self.part()?;
            let optional = self.quantifier(part)?;
            whole.empty &= part.empty || optional;
            whole.captures |= captures;
        }
        Ok(whole)
    }

    /// Reads one part, and returns whether it captures.
    fn part(&mut self) -> Result<(PatternPart, bool), String> {
        let character = self.rest.next().unwrap_or_default();
        match character {
            '(' => {
                let capturing = !self.takes('?');
                if !capturing && !self.takes(':') {
                    let why = "a group is `(…)` or `(?:…)`; there is no look-around and no name";
                    return Err(why.to_owned());
                }
                let inside = self.alternatives()?;
                if !self.takes(')') {
                    return Err("a `(` has no `)`; write `\\(`".to_owned());
                }
                let group = PatternPart {
                    group: true,
                    ..inside
                };
                return Ok((group, capturing || inside.captures));
            }
            '[' => self.brackets()?,
            '\\' => {
                self.escape()?;
            }
            '$' => {
                return Err(
                    "`$` also matches before a last line break in Java; use a `pattern` of the input schema, or compare: `$match($input.id, /^[a-z]+/).match = $input.id`"
                        .to_owned(),
                );
            }
            '{' => return Err("a `{` by itself is written `\\{`".to_owned()),
            '^' => {
                let empty = true;
                return Ok((PatternPart { empty, ..CHARACTER }, false));
            }
            _ => {}
        }
        Ok((CHARACTER, false))
    }

    /// Reads the quantifier of `part`, if it has one, and returns whether it makes it optional.
    fn quantifier(&mut self, part: PatternPart) -> Result<bool, String> {
        let (least, repeats) = match self.rest.peek() {
            Some('*') => (0, true),
            Some('+') => (1, true),
            Some('?') => (0, false),
            Some('{') => (0, true),
            _ => return Ok(false),
        };
        let least = match self.rest.next() {
            Some('{') => self.braces()?,
            _ => least,
        };
        if part.empty {
            return Err(
                "what is repeated or optional matches at least one character; engines count empty matches otherwise"
                    .to_owned(),
            );
        }
        if part.group && part.captures && repeats {
            return Err(
                "a group inside a repeated group keeps another match in other engines; write `(?:…)` inside"
                    .to_owned(),
            );
        }
        self.takes('?');
        match self.rest.peek() {
            Some('*' | '+' | '?' | '{') => {
                Err("a quantifier is followed by `?` at most".to_owned())
            }
            _ => Ok(least == 0),
        }
    }

    /// Reads `n}`, `n,}` or `n,m}`, and returns the first number.
    fn braces(&mut self) -> Result<u32, String> {
        let least = self.number()?;
        if self.takes(',') && self.rest.peek() != Some(&'}') {
            self.number()?;
        }
        match self.takes('}') {
            true => Ok(least),
            false => Err(wrong_braces()),
        }
    }

    fn number(&mut self) -> Result<u32, String> {
        let mut digits = String::new();
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        let number = digits.parse().ok().filter(|number| *number <= MAX_REPEAT);
        number.ok_or_else(wrong_braces)
    }

    /// Reads brackets after their `[`.
    fn brackets(&mut self) -> Result<(), String> {
        self.takes('^');
        if self.rest.peek() == Some(&']') {
            return Err("brackets contain at least one character".to_owned());
        }
        // The character with which a range may begin.
        let mut first = None;
        while let Some(now) = self.rest.next() {
            let next = self.rest.peek().copied();
            match now {
                ']' => return Ok(()),
                '[' => return Err("a `[` inside brackets is written `\\[`".to_owned()),
                '&' | '~' | '-' if next == Some(now) => {
                    return Err(format!(
                        "`{now}{now}` inside brackets is an operator to some engines"
                    ));
                }
                '-' if next != Some(']') => self.range(first.take())?,
                '\\' => first = self.escape()?,
                _ => first = Some(now),
            }
        }
        Err("a `[` has no `]`; write `\\[`".to_owned())
    }

    /// Reads the end of a range that begins with `first`.
    fn range(&mut self, first: Option<char>) -> Result<(), String> {
        let last = match self.rest.next() {
            Some('\\') => self.escape()?,
            last => last.filter(|last| !"[]".contains(*last)),
        };
        match (first, last) {
            (Some(first), Some(last)) if first <= last => Ok(()),
            _ => Err(
                "a `-` inside brackets stands between two characters, or is written `\\-`"
                    .to_owned(),
            ),
        }
    }

    /// Reads an escape after its backslash. Returns the character if it matches one alone.
    fn escape(&mut self) -> Result<Option<char>, String> {
        let escaped = self.rest.next().unwrap_or_default();
        match escaped {
            _ if CLASSES.contains(escaped) => Ok(None),
            't' => Ok(Some('\t')),
            'n' => Ok(Some('\n')),
            'r' => Ok(Some('\r')),
            _ if ESCAPES.contains(escaped) || PUNCTUATION.contains(escaped) => Ok(Some(escaped)),
            's' | 'S' => Err(format!(
                "`\\{escaped}` means other characters to other engines; write `[ \\t\\r\\n]`"
            )),
            'b' | 'B' => Err(format!(
                "`\\{escaped}` means other places to other engines; write the characters around it"
            )),
            '1'..='9' => Err(
                "it refers back to a group, and engines differ where the group matched nothing; compare the groups that `$match` returns"
                    .to_owned(),
            ),
            'u' | 'x' | 'p' | 'P' | 'c' | '0' | 'k' => Err(format!(
                "`\\{escaped}…` is not the same to all engines; write the character itself"
            )),
            other => Err(format!("`\\{other}` is no escape of all engines")),
        }
    }
}

fn wrong_braces() -> String {
    format!("braces are `{{2}}`, `{{2,}}` or `{{2,5}}`, with numbers up to {MAX_REPEAT}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_regexes_are_of_every_dialect() {
        for pattern in [
            r"^[A-Z]{2}[0-9]{2,30}",
            r"[^a-z0-9_.-]",
            r"(?:a|b)+?\d*\.\w",
            r"(\$|\/)[\]\[\\]",
            "straße",
            r"^\{.*\}",
            "(?:ab|c)*(d)?(e)+",
            r"[\d.-]+",
            r"[\t-\r]",
        ] {
            assert_eq!(check_pattern(pattern, ""), Ok(()), "{pattern}");
        }
        assert_eq!(check_pattern("[a-z]+", "i"), Ok(()));
    }

    #[test]
    fn a_regex_that_engines_read_otherwise_is_refused() {
        for pattern in [
            "(?=a)",
            "(?!a)",
            "(?<=a)",
            "(?<name>a)",
            "(?i)a",
            r"(a)\1",
            r"\s",
            r"[\S]",
            r"\bword",
            r"\p{L}",
            r"\u0061",
            r"\x41",
            r"\Qa\E",
            r"\z",
            "[a[b]]",
            "[a-z&&b]",
            "[]a]",
            "[^]",
            "a++",
            "a{2}+",
            "^a$",
            "a{",
            "a{,3}",
            "a{1001}",
            "{",
            "a)",
            "(?:(a)|b)+",
            "(?:a*)+",
            "(a|)?",
            r"[\d-x]",
            r"[a-\w]",
        ] {
            check_pattern(pattern, "").expect_err(pattern);
        }
        check_pattern("a", "m").expect_err("other line breaks");
        check_pattern("ä", "i").expect_err("other letters");
    }
}
