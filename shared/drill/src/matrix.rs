//! Draws the matrix of outcomes: places by faults, and in each cell how the scenario ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{Fault, Outcome, Scenario};

/// The outcomes of scenarios, as a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    columns: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

/// The letter of a scenario of which a fault did not occur.
const UNMET: char = '-';
/// The meaning of the letters.
const LEGEND: [(char, &str); 7] = [
    ('E', "EXECUTED"),
    ('R', "ROLLED_BACK"),
    ('P', "PARTIALLY_ROLLED_BACK"),
    ('F', "FAILED"),
    ('0', "nothing was begun"),
    ('!', "a violation"),
    (UNMET, "a fault did not occur"),
];

/// Returns the letter of an outcome.
fn letter(outcome: &Outcome) -> char {
    if !outcome.violations.is_empty() {
        return '!';
    }
    if !outcome.struck {
        return UNMET;
    }
    let status = outcome.status.as_deref().unwrap_or("nothing was begun");
    let known = LEGEND.iter().find(|(_, name)| *name == status);
    known.map_or('?', |(letter, _)| *letter)
}

impl Matrix {
    /// Creates the matrix of single faults: a row for each place, a column for each fault.
    pub fn of_singles(scenarios: &[Scenario], outcomes: &[Outcome]) -> Self {
        let mut cells: BTreeMap<(&str, Fault), char> = BTreeMap::new();
        for (scenario, outcome) in scenarios.iter().zip(outcomes) {
            if let [strike] = &scenario.strikes[..] {
                cells.insert((&strike.place, strike.fault), letter(outcome));
            }
        }
        let used = |fault: &Fault| cells.keys().any(|(_, one)| one == fault);
        let faults: Vec<Fault> = Fault::all().into_iter().filter(used).collect();
        let rows = places(scenarios).into_iter().map(|place| {
            let row = faults.iter().map(|fault| cells.get(&(place, *fault)));
            let row = row.map(|cell| cell.unwrap_or(&'.').to_string()).collect();
            (place.to_owned(), row)
        });
        Self {
            rows: rows.collect(),
            columns: faults.iter().map(|fault| fault.name().to_owned()).collect(),
        }
    }

    /// Creates the matrix of pairs: rows and columns are the places of the two faults. A cell holds
    /// the letter of every outcome.
    pub fn of_pairs(scenarios: &[Scenario], outcomes: &[Outcome]) -> Self {
        let mut cells: BTreeMap<(&str, &str), BTreeSet<char>> = BTreeMap::new();
        for (scenario, outcome) in scenarios.iter().zip(outcomes) {
            if let [first, second] = &scenario.strikes[..] {
                for place in [(&first.place, &second.place), (&second.place, &first.place)] {
                    let cell = cells.entry((place.0, place.1)).or_default();
                    cell.insert(letter(outcome));
                }
            }
        }
        let places = places(scenarios);
        let rows = places.iter().map(|&row| {
            let row_cells = places.iter().map(|&column| cells.get(&(row, column)));
            let row_cells = row_cells.map(|cell| cell.into_iter().flatten().collect());
            (row.to_owned(), row_cells.collect())
        });
        Self {
            rows: rows.collect(),
            columns: places.iter().map(|&place| place.to_owned()).collect(),
        }
    }
}

/// Returns the places of scenarios, in their order.
fn places(scenarios: &[Scenario]) -> Vec<&str> {
    let strikes = scenarios.iter().flat_map(|scenario| &scenario.strikes);
    let mut places: Vec<&str> = Vec::new();
    for strike in strikes {
        if !places.contains(&&*strike.place) {
            places.push(&strike.place);
        }
    }
    places
}

/// Returns the name of a column: letters first, then capitals.
fn mark(column: usize) -> String {
    let letters = ('a'..='z').chain('A'..='Z').map(String::from);
    letters
        .into_iter()
        .nth(column)
        .unwrap_or_else(|| column.to_string())
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self
            .rows
            .iter()
            .map(|(place, _)| place.chars().count())
            .max()
            .unwrap_or(0);
        let cells = self.rows.iter().flat_map(|(_, cells)| cells);
        let wide = cells.map(String::len).max().unwrap_or(1).max(1);
        write!(f, "{:first$}", "")?;
        for column in 0..self.columns.len() {
            write!(f, " {:wide$}", mark(column))?;
        }
        writeln!(f)?;
        for (place, cells) in &self.rows {
            write!(f, "{place:first$}")?;
            for cell in cells {
                write!(f, " {cell:wide$}")?;
            }
            writeln!(f)?;
        }
        writeln!(f)?;
        for (n, name) in self.columns.iter().enumerate() {
            writeln!(f, "{}  {name}", mark(n))?;
        }
        writeln!(f)?;
        let seen = |letter: char| {
            let mut cells = self.rows.iter().flat_map(|(_, cells)| cells);
            cells.any(|cell| cell.contains(letter))
        };
        for (letter, name) in LEGEND.iter().filter(|(letter, _)| seen(*letter)) {
            writeln!(f, "{letter}  {name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_of_which_a_fault_did_not_occur_is_no_end() {
        let outcome = |struck: bool, violations: &[&str]| Outcome {
            status: Some("EXECUTED".to_owned()),
            remaining: BTreeMap::new(),
            receipt: None,
            violations: violations.iter().map(ToString::to_string).collect(),
            struck,
            story: Vec::new(),
        };
        assert_eq!(letter(&outcome(true, &[])), 'E');
        assert_eq!(letter(&outcome(false, &[])), UNMET);
        assert_eq!(letter(&outcome(false, &["an effect twice"])), '!');
    }
}
