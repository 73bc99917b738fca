//! Draws problems for a terminal: each with its source line, the mistake underlined, and the fix.

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError,
    MietteSpanContents, Report, Severity, SourceCode, SourceSpan, SpanContents,
};

use super::problem::Problem;

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
    for problem in problems {
        let at = problem.at;
        let diagnostic = MietteDiagnostic::new(&problem.message)
            .with_severity(severity)
            .with_help(&problem.help)
            .with_label(LabeledSpan::underline((at.offset, at.length)));
        let lines = Lines {
            file: file.to_owned(),
            source: source.to_owned(),
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
