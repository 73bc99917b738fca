//! Draws random values from a seed, the same ones at every run.

use std::time::Duration;

/// A generator of random values (SplitMix64, <https://doi.org/10.1145/2714064.2660195>).
pub(crate) struct Dice(u64);

impl Dice {
    /// Creates the dice of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 up to `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// Returns a number from 0 up to `bound`, of which the small ones are likelier.
    pub(crate) fn skewed(&mut self, bound: u64) -> u64 {
        self.below(bound).min(self.below(bound))
    }

    /// Returns true once in `many` times.
    pub(crate) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    /// Returns a time up to `longest` seconds. Every order of magnitude from milliseconds on is
    /// equally likely, since races need short times and leases long ones.
    pub(crate) fn time(&mut self, longest: u64) -> Duration {
        let millis = longest * 1000;
        let magnitudes = u64::from(millis.ilog2());
        let most = 1 << (1 + self.below(magnitudes));
        Duration::from_millis(1 + self.below(most).min(millis))
    }
}
