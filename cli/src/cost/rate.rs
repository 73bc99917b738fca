//! The rate of starts of a monthly bill.

use std::str::FromStr;

/// The hours of a month.
const HOURS: f64 = 730.0;

/// Highest rate, in executions a second: far above what the quotas of an account allow.
const MOST: f64 = 1e6;

/// Executions by time, such as `3/s` or `20000/d`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    /// Executions in a month of 730 hours.
    pub(crate) per_month: f64,
}

impl Rate {
    /// Executions in a second.
    pub(crate) fn per_second(self) -> f64 {
        self.per_month / HOURS / 3_600.0
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || {
            format!("{text:?} is no rate: write a number and /s, /h, /d or /month, such as 20000/d")
        };
        let (count, unit) = text.split_once('/').ok_or_else(fault)?;
        let count: f64 = count.trim().parse().map_err(|_| fault())?;
        let times = match unit.trim() {
            "s" => 3_600.0 * HOURS,
            "h" => HOURS,
            "d" => HOURS / 24.0,
            "month" => 1.0,
            _ => return Err(fault()),
        };
        let per_month = count * times;
        if !per_month.is_finite() || count <= 0.0 {
            return Err(fault());
        }
        let rate = Self { per_month };
        if rate.per_second() > MOST {
            return Err(format!(
                "{text:?} is more than {MOST}/s: write a rate such as 20000/d"
            ));
        }
        Ok(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_unit_of_time() {
        let month = |text: &str| text.parse::<Rate>().map(|rate| rate.per_month);
        assert_eq!(month("2/s"), Ok(2.0 * 3_600.0 * 730.0));
        assert_eq!(month("24/d"), Ok(730.0));
        assert_eq!(month("1.5/h"), Ok(1.5 * 730.0));
        assert_eq!(month("7/month"), Ok(7.0));
        for wrong in [
            "", "5", "5/y", "x/s", "-1/s", "0/d", "1e400/s", "1e300/s", "NaN/s", "inf/s",
        ] {
            let why = month(wrong).expect_err(wrong);
            assert!(why.contains("20000/d"), "{why}");
        }
    }
}
