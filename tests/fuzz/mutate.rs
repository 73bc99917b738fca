//! Random changes of a text: flipped bytes, parts that are cut, copied or repeated, and inserted
//! words.

use proptest::{collection::vec, prelude::*, sample::Index};

/// One change of a text. A place is a part of the text's length, so that shrinking keeps it
/// meaningful.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Flip(Index, u8),
    Cut(Index, Index),
    Copy(Index, Index, Index),
    Repeat(Index, Index, u8),
    Insert(Index, &'static str),
    Bytes(Index, Vec<u8>),
}

/// Words with a meaning in YAML, JSON, JSONata or a terminal.
pub(crate) const WORDS: [&str; 52] = [
    "{%",
    "%}",
    "{% $input.a %}",
    "$",
    "$$",
    "&a",
    "*a",
    "<<: *a",
    "!!str ",
    "---\n",
    "...\n",
    "- ",
    "? ",
    ": ",
    "|-\n",
    ">\n",
    "\t",
    "\r\n",
    "\u{feff}",
    "\u{0}",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{2028}",
    "null",
    "~",
    "yes",
    "0x1f",
    "1e999",
    "-0",
    "9007199254740993",
    ".nan",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "\\",
    "\\ud800",
    "((((",
    "function($x) { $x }",
    "[1..",
    "steps:",
    "rollback: {}",
    "*",
    "${Ledger}",
    "${VendorSystemUrl}",
    "auth: { secret: x }, ",
    "\\n            - Effect: Allow\\n              Action: '*'\\n",
    "@SECRETS@",
    "@ID@",
    "\u{85}",
];

pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let place = any::<Index>;
    let change = prop_oneof![
        2 => (place(), any::<u8>()).prop_map(|(at, bits)| Change::Flip(at, bits)),
        2 => (place(), place()).prop_map(|(from, to)| Change::Cut(from, to)),
        2 => (place(), place(), place()).prop_map(|(from, to, at)| Change::Copy(from, to, at)),
        1 => (place(), place(), any::<u8>()).prop_map(|(from, to, times)| Change::Repeat(from, to, times)),
        4 => (place(), prop::sample::select(&WORDS[..])).prop_map(|(at, word)| Change::Insert(at, word)),
        1 => (place(), vec(any::<u8>(), 1..16)).prop_map(|(at, bytes)| Change::Bytes(at, bytes)),
    ];
    vec(change, 0..8)
}

/// The text with these changes, as UTF-8 again.
pub(crate) fn changed(text: &str, changes: &[Change]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for change in changes {
        let at = |index: &Index, bytes: &[u8]| index.index(bytes.len() + 1);
        let part = |from: &Index, to: &Index, bytes: &[u8]| {
            let (from, to) = (at(from, bytes), at(to, bytes));
            // A part has at most 200 bytes, since a longer change leaves hardly any of the text.
            let (from, to) = (from.min(to), from.max(to));
            (from, to.min(from + 200))
        };
        match change {
            Change::Flip(index, bits) => {
                let place = at(index, &bytes);
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= bits;
                }
            }
            Change::Cut(from, to) => {
                let (from, to) = part(from, to, &bytes);
                bytes.drain(from..to);
            }
            Change::Copy(from, to, into) => {
                let (from, to) = part(from, to, &bytes);
                let copied = bytes[from..to].to_vec();
                let place = at(into, &bytes);
                bytes.splice(place..place, copied);
            }
            Change::Repeat(from, to, times) => {
                let (from, to) = part(from, to, &bytes);
                let repeated = bytes[from..to].repeat(usize::from(*times));
                bytes.splice(to..to, repeated);
            }
            Change::Insert(index, word) => {
                let place = at(index, &bytes);
                bytes.splice(place..place, word.bytes());
            }
            Change::Bytes(index, more) => {
                let place = at(index, &bytes);
                bytes.splice(place..place, more.iter().copied());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
