//! The findings of an audit: the files that are not as they were written.

use std::fmt;

/// The fault of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The file does not exist.
    Missing,
    /// The file is not what was written.
    Altered,
    /// The file is stored elsewhere, or another file is stored in its place.
    Moved,
    /// No digest lists the file.
    Added,
}

/// A file that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The fault.
    pub fault: Fault,
    /// The object key.
    pub object: String,
    /// The evidence for the fault.
    pub why: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = match self.fault {
            Fault::Missing => "missing",
            Fault::Altered => "altered",
            Fault::Moved => "moved",
            Fault::Added => "added",
        };
        write!(f, "{fault}: {}: {}", self.object, self.why)
    }
}
