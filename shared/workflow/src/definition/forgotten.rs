//! Warns about texts that look like expressions whose `{% %}` was forgotten.

use super::{problem::Span, reader::Reader, scope::Scope};

impl Reader<'_> {
    /// Warns about a text that names a value which expressions see here: without `{% %}` it is sent
    /// as it is written.
    pub(super) fn check_forgotten(&mut self, at: Span, text: &str, scope: &Scope) {
        let named = scope.visible.iter().find(|name| mentions(text, name));
        if let Some(name) = named {
            let at = at.narrow(self.source, &format!("${name}"));
            let message = format!("`${name}` in a text without {{% %}} is sent as it is written");
            let help = format!("if it is an expression, write \"{{% ${name} %}}\"");
            self.warning(at, message, help);
        } else if text.trim_end().ends_with("%}") {
            let help = "an expression is the whole text: \"{% $input.name %}\"";
            self.warning(at, "a text that ends as an expression does", help);
        }
    }
}

/// Returns true if `text` has `$name`, and not as the beginning of a longer name.
fn mentions(text: &str, name: &str) -> bool {
    let variable = format!("${name}");
    text.match_indices(&variable).any(|(at, _)| {
        let next = text[at + variable.len()..].chars().next();
        !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_name_is_another() {
        assert!(mentions("$input.days", "input"));
        assert!(mentions("pay $input", "input"));
        assert!(mentions("$inputs $input.a", "input"));
        assert!(!mentions("$inputs", "input"));
        assert!(!mentions("input", "input"));
    }
}
