//! The display of texts, times and durations: no text of a person or a target can hide, reorder the
//! page or become markup.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use holdfast_ids::names::is_hidden;

/// Returns true for a character that is invisible or changes the display of its neighbours. Joiners
/// and the selectors of emoji and text are shown, because words and emoji contain them.
fn is_deceptive(c: char) -> bool {
    is_hidden(c) && !matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}')
}

fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// A text of a person or a target, escaped, in a writing direction of its own. Invisible characters
/// are shown by their code points.
pub(super) fn quoted(text: &str) -> Markup {
    html! {
        bdi {
            @for part in text.split_inclusive(is_deceptive) {
                @match part.chars().next_back().filter(|last| is_deceptive(*last)) {
                    Some(last) => {
                        (&part[..part.len() - last.len_utf8()])
                        span.hidden title="an invisible character" { (code_point(last)) }
                    }
                    None => { (part) }
                }
            }
        }
    }
}

/// Like [`quoted`], for places that allow no markup.
pub(super) fn plain(text: &str) -> String {
    let shown = |c: char| match is_deceptive(c) {
        true => format!("[{}]", code_point(c)),
        false => c.to_string(),
    };
    text.chars().map(shown).collect()
}

/// A digest or a key, in a font for comparison by eye.
pub(super) fn code(text: &str) -> Markup {
    html! { code { (quoted(text)) } }
}

/// The time in a receipt's text; `None` if the text is no time.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// A time with its date, to the millisecond.
pub(super) fn full(text: &str) -> Markup {
    match moment(text) {
        Some(at) => {
            html! { time datetime=(text) { (at.strftime("%Y-%m-%d %H:%M:%S%.3f")) " UTC" } }
        }
        None => quoted(text),
    }
}

/// The time of day, with the date if it differs from the date of `first`.
pub(super) fn clock(text: &str, first: &str) -> Markup {
    match (moment(text), moment(first)) {
        (Some(at), Some(first)) => {
            let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
            html! {
                time datetime=(text) {
                    @if day(at) != day(first) { (day(at)) " " }
                    (at.strftime("%H:%M:%S%.3f"))
                }
            }
        }
        _ => full(text),
    }
}

/// The duration from one time to another.
pub(super) fn between(from: &str, to: Option<&str>) -> Option<String> {
    let (from, to) = (moment(from)?, moment(to?)?);
    Some(lasted(to.duration_since(from)))
}

/// A duration in its two largest units.
pub(super) fn lasted(duration: SignedDuration) -> String {
    let millis = duration.as_millis().max(0);
    let (seconds, minutes) = (millis / 1000, millis / 60_000);
    let (hours, days) = (minutes / 60, minutes / 1440);
    let two = |large: i128, unit: &str, small: i128, smaller: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {smaller}"),
    };
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..60_000 if millis % 1000 == 0 => format!("{seconds} s"),
        1000..60_000 => format!("{seconds}.{} s", millis % 1000 / 100),
        _ if minutes < 60 => two(minutes, "min", seconds % 60, "s"),
        _ if hours < 24 => two(hours, "h", minutes % 60, "min"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_quotes_and_invisible_characters_are_shown_as_text() {
        let hostile = "<b>\"x\" & 'y'</b>\u{202e}gpj.exe\0\u{200b}é 👩\u{200d}🚀";
        assert_eq!(
            quoted(hostile).into_string(),
            "<bdi>&lt;b&gt;&quot;x&quot; &amp; 'y'&lt;/b&gt;\
             <span class=\"hidden\" title=\"an invisible character\">U+202E</span>gpj.exe\
             <span class=\"hidden\" title=\"an invisible character\">U+0000</span>\
             <span class=\"hidden\" title=\"an invisible character\">U+200B</span>é 👩\u{200d}🚀</bdi>"
        );
        assert_eq!(plain("a\u{2066}b\nc"), "a[U+2066]b[U+000A]c");
    }

    #[test]
    fn durations_are_shown_in_their_two_largest_units() {
        let cases = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1000, "1 s"),
            (59_999, "59.9 s"),
            (60_000, "1 min"),
            (3_599_999, "59 min 59 s"),
            (7_260_000, "2 h 1 min"),
            (90_000_000, "1 d 1 h"),
        ];
        for (millis, shown) in cases {
            assert_eq!(lasted(SignedDuration::from_millis(millis)), shown);
        }
    }

    #[test]
    fn another_day_is_named_and_a_text_that_is_no_time_is_shown_unchanged() {
        let shown = |text| clock(text, "2025-09-29T13:00:00Z").into_string();
        assert_eq!(
            shown("2025-09-29T13:00:00.5Z"),
            r#"<time datetime="2025-09-29T13:00:00.5Z">13:00:00.500</time>"#
        );
        assert!(shown("2025-09-30T13:00:00Z").contains(">2025-09-30 13:00:00.000<"));
        assert_eq!(shown("<i>"), "<bdi>&lt;i&gt;</bdi>");
    }
}
