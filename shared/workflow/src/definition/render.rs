//! Draws problems for a terminal: each with its source line, the mistake underlined, and the fix.

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError,
    MietteSpanContents, Report, Severity, SourceCode, SourceSpan, SpanContents,
};

use super::problem::Problem;
use holdfast_ids::names::{is_hidden, sanitize, sanitize_lines};

/// Columns at which messages and helps wrap.
const WIDTH: usize = 110;

/// The drawing of `problems` in `source`, where `file` is the path that people read. `colour` adds
/// ANSI colours.
pub fn render(file: &str, source: &str, problems: &[Problem], colour: bool) -> String {
    draw(Severity::Error, file, source, problems, colour)
}

/// Like [`render`], for what is allowed and probably not meant.
pub fn render_warnings(file: &str, source: &str, warnings: &[Problem], colour: bool) -> String {
    draw(Severity::Warning, file, source, warnings, colour)
}

fn draw(
    severity: Severity,
    file: &str,
    source: &str,
    problems: &[Problem],
    colour: bool,
) -> String {
    let theme = match colour {
        true => GraphicalTheme::unicode(),
        false => GraphicalTheme::unicode_nocolor(),
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH);
    let mut text = String::new();
    let file = sanitize(file);
    let chars = source.char_indices();
    let drawn: String = chars.map(|one| shown(source, one)).collect();
    for problem in problems {
        let at = problem.at;
        let problem = Problem::new(
            at,
            sanitize_lines(&problem.message),
            sanitize_lines(&problem.help),
        );
        // A replacement has another length than its character.
        let offset = |end: usize| -> usize {
            let before = source.char_indices().take_while(|(at, _)| *at < end);
            before.map(|one| shown(source, one).len_utf8()).sum()
        };
        let (start, end) = (offset(at.offset), offset(at.offset + at.length));
        let diagnostic = MietteDiagnostic::new(&problem.message)
            .with_severity(severity)
            .with_help(&problem.help)
            .with_label(LabeledSpan::underline((start, end - start)));
        let lines = Lines {
            file: file.clone(),
            source: drawn.clone(),
        };
        let report = Report::new(diagnostic).with_source_code(lines);
        // Writing to a String cannot fail. A problem that cannot be drawn is printed in one line.
        if handler.render_report(&mut text, report.as_ref()).is_err() {
            text.push_str(&format!("{file}:{problem}"));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// The character of `source` at a place as it is drawn: none acts on a terminal. The drawing needs
/// the ends of lines, and expands tabs.
fn shown(source: &str, (at, c): (usize, char)) -> char {
    let kept = matches!(c, '\n' | '\t') || source[at..].starts_with("\r\n") || !is_hidden(c);
    if kept { c } else { '\u{fffd}' }
}

/// A source of which exactly the lines of a span are drawn.
struct Lines {
    file: String,
    source: String,
}

impl SourceCode for Lines {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        _lines_before: usize,
        _lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let source = self.source.as_str();
        let (before, rest) = source
            .split_at_checked(span.offset())
            .ok_or(MietteError::OutOfBounds)?;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let after = rest.get(span.len()..).ok_or(MietteError::OutOfBounds)?;
        let end = after
            .find('\n')
            .map_or(source.len(), |end| source.len() - after.len() + end);
        let carriage_return = source[start..end].ends_with('\r');
        let end = end - usize::from(carriage_return && end > span.offset() + span.len());
        let line = before.matches('\n').count();
        let column = before[start..].chars().count();
        let (start, end) = window(
            source,
            (start, end),
            (span.offset(), span.offset() + span.len()),
        );
        let data = &source.as_bytes()[start..end];
        let shown = SourceSpan::new(start.into(), end - start);
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.clone(),
            data,
            shown,
            line,
            column,
            1,
        )))
    }
}

/// The part of a long line that is drawn around a span.
fn window(source: &str, line: (usize, usize), span: (usize, usize)) -> (usize, usize) {
    const AROUND: usize = 120;
    let start = source
        .floor_char_boundary(span.0.saturating_sub(AROUND))
        .max(line.0);
    let end = source.floor_char_boundary(span.1 + AROUND).min(line.1);
    (start, end.max(span.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::problem::Span;

    #[test]
    fn the_text_of_a_file_cannot_act_on_the_terminal() {
        let source = "first: 1\r\n\u{feff}a\u{202e}b\u{1b}[31m\tc: wrong\r\nlast: 2\n";
        let offset = source.find("wrong").expect("it is there");
        let at = Span {
            offset,
            length: 5,
            line: 2,
            column: 12,
        };
        let problem = Problem::new(at, "a\u{1b}[31mb\nc", "d\u{202e}e");
        for drawn in [
            render("f\u{1b}", source, std::slice::from_ref(&problem), false),
            render_warnings("f\u{1b}", source, &[problem], false),
        ] {
            let acts = |c: char| c != '\n' && is_hidden(c);
            assert!(!drawn.contains(acts), "{drawn:?}");
            let line = "\u{fffd}a\u{fffd}b\u{fffd}[31m";
            assert!(drawn.contains(&format!("2 │ {line}")), "{drawn}");
            assert!(drawn.contains("f\u{fffd}:2:"), "{drawn}");
            let mut lines = drawn.lines().skip_while(|one| !one.contains("wrong"));
            let (source, marks) = (lines.next().expect("a line"), lines.next().expect("marks"));
            let place = |line: &str, mark: char| line.chars().position(|c| c == mark);
            assert_eq!(place(source, 'w'), place(marks, '─'), "{drawn}");
        }
    }
}
