//! Tables for people: aligned columns, which the width of the terminal cuts.

use holdfast_ids::names::sanitize;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::screen::{Screen, Tone};

/// The narrowest width to which a column is cut.
const NARROW: usize = 8;
/// The text between two columns.
const GAP: &str = "  ";

/// One cell: its text, and its meaning if that has a colour.
pub(crate) struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl Cell {
    /// A text of the API, sanitized.
    pub(crate) fn of(text: impl AsRef<str>) -> Self {
        Self {
            text: sanitize(text.as_ref()),
            tone: None,
        }
    }

    /// The same cell with a meaning.
    pub(crate) fn toned(self, tone: Option<Tone>) -> Self {
        Self { tone, ..self }
    }
}

/// A table with a head. Columns that are empty in every row are left out.
pub(crate) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(head: &[&'static str]) -> Self {
        Self {
            head: head.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The table as text, one line for each row.
    pub(crate) fn render(&self, screen: &Screen) -> String {
        let widths = self.widths(screen);
        let head: Vec<_> = self.head.iter().map(Cell::of).collect();
        let head: Vec<_> = head
            .into_iter()
            .map(|cell| cell.toned(Some(Tone::Quiet)))
            .collect();
        let rows = std::iter::once(&head).chain(&self.rows);
        rows.map(|row| line(row, &widths, screen)).collect()
    }

    /// The width of each column. The last one, which has a text, gives way first, and then the
    /// widest ones. The first one has an id, and stays whole.
    fn widths(&self, screen: &Screen) -> Vec<usize> {
        let of_cells = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.text.width()).max().unwrap_or(0)
        };
        let columns = self.head.iter().enumerate();
        let mut widths: Vec<usize> = columns
            .map(|(column, name)| match of_cells(column) {
                0 => 0,
                width => width.max(name.width()),
            })
            .collect();
        let Some(width) = screen.width else {
            return widths;
        };
        let shown = widths.iter().filter(|width| **width > 0).count();
        let space = width.saturating_sub(GAP.len() * shown.saturating_sub(1));
        while widths.iter().sum::<usize>() > space {
            let (first, others) = widths.split_at_mut(1);
            let (text, others) = others.split_last_mut().unwrap_or((&mut first[0], &mut []));
            match others.iter_mut().max() {
                _ if *text > NARROW => *text -= 1,
                Some(widest) if *widest > NARROW => *widest -= 1,
                _ => break,
            }
        }
        widths
    }
}

fn line(row: &[Cell], widths: &[usize], screen: &Screen) -> String {
    let cells = row.iter().zip(widths).filter(|(_, width)| **width > 0);
    let mut line = String::new();
    let mut padding = String::new();
    for (cell, width) in cells {
        let text = cut(&cell.text, *width);
        if !text.is_empty() {
            line.push_str(&padding);
            line.push_str(&screen.paint(&text, cell.tone));
            padding.clear();
        }
        padding.push_str(&" ".repeat(width - text.width()));
        padding.push_str(GAP);
    }
    line + "\n"
}

/// `text` in at most `width` columns; a cut one ends with an ellipsis.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(c);
    }
    kept.trim_end().to_owned() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(width: Option<usize>, colour: bool) -> String {
        let mut table = Table::new(&["ID", "NONE", "STATUS", "MESSAGE"]);
        for (id, status, message) in [
            ("41c2", "WAITING", "approve the payment of 60,000 to 名前"),
            ("9", "FAILED", "a\u{1b}[2J\u{202e}b"),
        ] {
            let tone = crate::screen::tone_of(status);
            table.row(vec![
                Cell::of(id),
                Cell::of(""),
                Cell::of(status).toned(tone),
                Cell::of(message),
            ]);
        }
        let now = jiff::Timestamp::UNIX_EPOCH;
        table.render(&Screen { width, colour, now })
    }

    #[test]
    fn columns_are_aligned_sanitized_and_left_out_if_they_are_empty() {
        insta::assert_snapshot!(sample(None, false), @r"
        ID    STATUS   MESSAGE
        41c2  WAITING  approve the payment of 60,000 to 名前
        9     FAILED   a�[2J�b
        ");
    }

    #[test]
    fn the_text_of_the_last_column_gives_way_to_the_width_of_the_terminal() {
        let cut = sample(Some(36), false);
        insta::assert_snapshot!(cut, @r"
        ID    STATUS   MESSAGE
        41c2  WAITING  approve the payment…
        9     FAILED   a�[2J�b
        ");
        assert!(cut.lines().all(|line| line.width() <= 36));
    }

    #[test]
    fn a_colour_is_around_the_text_and_not_around_its_padding() {
        let coloured = sample(None, true);
        assert!(coloured.contains("\u{1b}[33mWAITING\u{1b}[0m  approve"));
        assert!(coloured.contains("\u{1b}[31mFAILED\u{1b}[0m   a"));
    }
}
