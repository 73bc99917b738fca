//! Amounts of budgets: decimals of at most four places, kept in ten-thousandths.

use serde_json::Value;

/// Decimal places of an amount.
pub const PLACES: usize = 4;
/// Largest amount and limit, in ten-thousandths: 100,000 million, which every JSON reader keeps
/// exactly.
pub const MAX_AMOUNT: i64 = 100_000_000_000 * 10_000;

/// Parses a number, or a text with one, into ten-thousandths. The error names the right form,
/// without the value.
pub fn parse_amount(value: &Value) -> Result<i64, String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return Err("an amount is a number, or a text with one".to_owned()),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    if whole.starts_with('-') {
        return Err("an amount is never negative".to_owned());
    }
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(format!(
            "an amount has digits and a point, such as 1250.50, up to {}",
            format_amount(MAX_AMOUNT)
        ));
    }
    if fraction.len() > PLACES {
        return Err(format!(
            "an amount has at most {PLACES} places behind the point: $round(…, 2)"
        ));
    }
    format!("{whole}{fraction:0<PLACES$}")
        .parse()
        .ok()
        .filter(|amount| *amount <= MAX_AMOUNT)
        .ok_or_else(|| format!("an amount is at most {}", format_amount(MAX_AMOUNT)))
}

/// Formats ten-thousandths as a decimal.
pub fn format_amount(amount: i64) -> String {
    let unit = 10_i64.pow(PLACES as u32);
    let fraction = format!("{:0PLACES$}", amount % unit);
    let fraction = fraction.trim_end_matches('0');
    match fraction {
        "" => (amount / unit).to_string(),
        _ => format!("{}.{fraction}", amount / unit),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_amount_is_kept_to_the_last_place() {
        for (value, right) in [
            (json!(0), 0),
            (json!(1), 10_000),
            (json!(0.1), 1_000),
            (json!(1250.5), 12_505_000),
            (json!(100.0), 1_000_000),
            (json!("0.0001"), 1),
            (json!("100000000000"), MAX_AMOUNT),
            (json!("7.10000000"), 71_000),
        ] {
            assert_eq!(parse_amount(&value), Ok(right), "{value}");
        }
    }

    #[test]
    fn an_inexact_amount_is_refused_with_the_right_form() {
        for (value, right) in [
            (json!(0.1 + 0.2), "at most 4 places"),
            (json!("0.00001"), "at most 4 places"),
            (json!(-1), "never negative"),
            (json!("-0"), "never negative"),
            (json!(1e20), "digits and a point"),
            (json!("1e3"), "digits and a point"),
            (json!("1,5"), "digits and a point"),
            (json!(" 1"), "digits and a point"),
            (json!(""), "digits and a point"),
            (json!("."), "digits and a point"),
            (json!("100000000000.0001"), "at most 100000000000"),
            (json!("999999999999999999999999"), "at most 100000000000"),
            (json!(true), "a number"),
            (json!(null), "a number"),
        ] {
            let error = parse_amount(&value).expect_err("no amount");
            assert!(error.contains(right), "{value}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_formatted_amount_parses_to_itself(amount in 0..=MAX_AMOUNT) {
            prop_assert_eq!(parse_amount(&json!(format_amount(amount))), Ok(amount));
        }
    }
}
