//! Errors as the command prints them: a problem with its source line, its message and its fix.

use std::io::IsTerminal;

use holdfast_workflow::definition::Problem;
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError,
    MietteSpanContents, Report, Severity, SourceCode, SourceSpan, SpanContents,
};

use crate::output::{draw, say};

/// The reason for which the command failed.
pub(crate) enum Trouble {
    /// Problems in files.
    Problems(Vec<InFile>),
    /// Anything else, in one message.
    Other(String),
}

/// The problems in one file.
pub(crate) struct InFile {
    /// The path, as messages show it.
    pub(crate) file: String,
    /// The text of the file.
    pub(crate) source: String,
    /// The problems, in the order of their places.
    pub(crate) problems: Vec<Problem>,
}

impl Trouble {
    /// Prints the reason to the person at the terminal.
    pub(crate) fn print(&self) {
        match self {
            Self::Other(message) => say(&format!("error: {message}")),
            Self::Problems(files) => {
                let theme = if std::io::stderr().is_terminal() {
                    GraphicalTheme::unicode()
                } else {
                    GraphicalTheme::unicode_nocolor()
                };
                for file in files {
                    draw(&render(file, &theme));
                }
                let count: usize = files.iter().map(|file| file.problems.len()).sum();
                say(&format!(
                    "{count} {}; nothing was written",
                    if count == 1 { "problem" } else { "problems" }
                ));
            }
        }
    }
}

fn render(file: &InFile, theme: &GraphicalTheme) -> String {
    let handler = GraphicalReportHandler::new_themed(theme.clone()).with_width(110);
    let mut text = String::new();
    for problem in &file.problems {
        let at = problem.at;
        let diagnostic = MietteDiagnostic::new(&problem.message)
            .with_severity(Severity::Error)
            .with_help(&problem.help)
            .with_label(LabeledSpan::underline((at.offset, at.length)));
        let report = Report::new(diagnostic).with_source_code(Lines::of(file));
        // Writing to a String cannot fail. A problem that cannot be drawn is printed as one line.
        if handler.render_report(&mut text, report.as_ref()).is_err() {
            text.push_str(&format!("{}:{problem}", file.file));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// A source of which only the lines of a span are shown.
struct Lines {
    file: String,
    source: String,
}

impl Lines {
    fn of(file: &InFile) -> Self {
        Self {
            file: file.file.clone(),
            source: file.source.clone(),
        }
    }
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

/// The part of a very long line that is shown around a span.
fn window(source: &str, line: (usize, usize), span: (usize, usize)) -> (usize, usize) {
    const AROUND: usize = 120;
    let start = source
        .floor_char_boundary(span.0.saturating_sub(AROUND))
        .max(line.0);
    let end = source.floor_char_boundary(span.1 + AROUND).min(line.1);
    (start, end.max(span.1))
}
