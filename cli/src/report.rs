//! How problems are shown: each with the source line it stands in, what is wrong, and what would be right.

use std::io::IsTerminal;

use holdfast_core::definition::Problem;
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report,
    Severity,
};

use crate::output::say;

/// Why the command failed.
pub(crate) enum Trouble {
    /// Mistakes in files.
    Problems(Vec<InFile>),
    /// Anything else, in one message.
    Other(String),
}

/// The mistakes in one file.
pub(crate) struct InFile {
    /// Its path as people read it.
    pub(crate) file: String,
    /// Its text.
    pub(crate) source: String,
    /// In order of their places.
    pub(crate) problems: Vec<Problem>,
}

impl Trouble {
    /// Tells the person at the terminal.
    pub(crate) fn print(&self) {
        match self {
            Self::Other(message) => say(&format!("error: {message}")),
            Self::Problems(files) => {
                let theme = if std::io::stderr().is_terminal() {
                    GraphicalTheme::unicode()
                } else {
                    GraphicalTheme::unicode_nocolor()
                };
                files.iter().for_each(|file| say(&render(file, &theme)));
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
    let handler = GraphicalReportHandler::new_themed(theme.clone())
        .with_width(110)
        .with_context_lines(0);
    let mut text = String::new();
    for problem in &file.problems {
        let at = problem.at;
        let diagnostic = MietteDiagnostic::new(&problem.message)
            .with_severity(Severity::Error)
            .with_help(&problem.help)
            .with_label(LabeledSpan::underline((at.offset, at.length)));
        let report = Report::new(diagnostic)
            .with_source_code(NamedSource::new(&file.file, file.source.clone()));
        // Writing to a String cannot fail, and a problem that cannot be drawn is still told in one line.
        if handler.render_report(&mut text, report.as_ref()).is_err() {
            text.push_str(&format!("{}:{problem}", file.file));
        }
        text.push('\n');
    }
    text
}
