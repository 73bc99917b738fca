//! The count of refused repeats of a start: each is counted once, and the first have their times.

use jiff::Timestamp;

use super::key::instant;

/// A refused repeat of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The id of the request, by which a repeated count is recognized.
    pub id: String,
    /// The time of the request.
    pub at: Timestamp,
}

impl Duplicate {
    /// The text that the ledger keeps of it: time and id.
    pub fn entry(&self) -> String {
        format!("{}#{}", instant(self.at), self.id)
    }

    /// The time in an entry; `None` if the text is no entry.
    pub fn time_in(entry: &str) -> Option<Timestamp> {
        entry.split_once('#')?.0.parse().ok()
    }
}

/// The refused repeats of one start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// The number of repeats.
    pub refused: u64,
    /// The entries of the first repeats, in the order of their numbers. Counts of earlier versions
    /// have none.
    pub entries: Vec<String>,
    /// The entry of the last repeat that has no place in `entries`.
    pub last: Option<String>,
}

impl Duplicates {
    /// The number of repeats that have an entry. Further ones are only counted, so that a flood of
    /// repeats does not fill the item.
    pub const ENTRIES_MAX: usize = 100;

    /// Counts a repeat, unless it is the same request as one that was counted.
    pub fn count(&mut self, duplicate: &Duplicate) {
        let entry = duplicate.entry();
        if self.entries.contains(&entry) || self.last.as_ref() == Some(&entry) {
            return;
        }
        // Without an entry for each repeat so far, the place of an entry is not its number.
        let complete = self.refused == self.entries.len() as u64;
        match complete && self.entries.len() < Self::ENTRIES_MAX {
            true => self.entries.push(entry),
            false => self.last = Some(entry),
        }
        self.refused += 1;
    }

    /// The times of the first repeats, in the order of their numbers.
    pub fn times(&self) -> Vec<Timestamp> {
        let times = self.entries.iter().map(|entry| Duplicate::time_in(entry));
        times.map_while(|time| time).collect()
    }
}
