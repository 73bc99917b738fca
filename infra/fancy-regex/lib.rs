//! The part of the crate `fancy-regex` that `jsonschema` calls, implemented with `regex`.
//!
//! The check of an input has `jsonschema` compile the patterns of a schema with `regex`.
//! `jsonschema` compiles the patterns of its meta-schemas with this crate.

/// A pattern without look-around and back references.
#[derive(Debug, Clone)]
pub struct Regex(regex::Regex);

/// Error of a pattern that does not compile.
pub type Error = regex::Error;

impl Regex {
    /// Returns the pattern.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Searches the text for the pattern. Always `Ok`, since `regex` has no limit of steps.
    pub fn is_match(&self, text: &str) -> Result<bool, Error> {
        Ok(self.0.is_match(text))
    }
}

/// Builder of a [`Regex`], with limits in bytes.
#[derive(Debug)]
pub struct RegexBuilder(regex::RegexBuilder);

impl RegexBuilder {
    /// Returns a builder with the default limits of `regex`.
    pub fn new(pattern: &str) -> Self {
        Self(regex::RegexBuilder::new(pattern))
    }

    /// Has no effect, since the time of `regex` is bounded without a limit.
    pub fn backtrack_limit(&mut self, _steps: usize) -> &mut Self {
        self
    }

    /// Sets the largest size of a compiled pattern.
    pub fn delegate_size_limit(&mut self, limit: usize) -> &mut Self {
        self.0.size_limit(limit);
        self
    }

    /// Sets the size of the cache of a search.
    pub fn delegate_dfa_size_limit(&mut self, limit: usize) -> &mut Self {
        self.0.dfa_size_limit(limit);
        self
    }

    /// Compiles the pattern.
    pub fn build(&self) -> Result<Regex, Error> {
        self.0.build().map(Regex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        let regex = RegexBuilder::new(pattern).build().expect("a pattern");
        regex.is_match(text).expect("no limit is reached")
    }

    #[test]
    fn a_pattern_matches_a_part_of_a_text() {
        assert!(matches("^[^#]*#?$", "https://example.com/a#"));
        assert!(!matches("^[^#]*#?$", "https://example.com/#/a"));
        assert!(matches("b+", "abbc"));
    }

    #[test]
    fn look_around_and_back_references_are_refused() {
        for pattern in ["(?=a)b", "(?<!a)b", r"(a)\1"] {
            assert!(RegexBuilder::new(pattern).build().is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_beyond_the_size_limit_is_refused() {
        let mut builder = RegexBuilder::new("(?:a{100}){100}");
        assert!(builder.build().is_ok());
        assert!(builder.delegate_size_limit(1000).build().is_err());
    }
}
