//! Results in columns, and times in words.

use std::time::Duration;

use serde_json::Value;
use tegata_core::why::escape;
use tegata_model::Timestamp;

use super::audit::harmless;
use crate::terminal;

/// Names and values, one a line.
pub(super) fn fields(rows: &[(&str, String)]) {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in rows {
        terminal::say(&format!("{name:width$}  {}", escape(value)));
    }
}

/// Rows under a heading; false once nobody reads them any more.
pub(super) fn rows<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> bool {
    wide(&heading.map(str::to_owned), rows)
}

/// The same, with as many columns as there are.
pub(super) fn wide<R: AsRef<[String]>>(heading: &[String], rows: &[R]) -> bool {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.as_ref().iter().map(|cell| escape(cell)).collect()).collect();
    let width = |(at, name): (usize, &String)| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        cells.chain([name.chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = heading.iter().enumerate().map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect::<Vec<_>>();
        padded.join("  ").trim_end().to_owned()
    };
    terminal::say(&terminal::bold(&line(heading))) && rows.iter().all(|row| terminal::say(&line(row)))
}

/// One JSON value, laid out for reading.
pub(super) fn print_json(value: &Value) {
    terminal::say(&harmless(&format!("{value:#}")));
}

/// When something ends, for people.
pub(super) fn in_words(end: Timestamp, now: Timestamp) -> String {
    if end <= now { format!("ended {} ago", span(now.since(end))) } else { format!("ends in {}", span(end.since(now))) }
}

/// A length of time, for people.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7199 => (seconds / 60, "minute"),
        7200..=172_799 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// A length in bytes, for people.
pub(super) fn size(bytes: u64) -> String {
    let mut unit = ["B", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let (mut whole, mut tenths, mut name) = (bytes, 0, unit.next().unwrap_or_default());
    while whole >= 1024 {
        let Some(next) = unit.next() else { break };
        (tenths, name) = (whole % 1024 * 10 / 1024, next);
        whole /= 1024;
    }
    if name == "B" { format!("{whole} B") } else { format!("{whole}.{tenths} {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_lengths_in_words() {
        let now = Timestamp::from_unix(1_800_000_000);
        let at = |seconds: i64| in_words(Timestamp::from_unix(1_800_000_000 + seconds), now);
        let all = [at(1), at(119), at(3600), at(7200), at(172_800), at(0), at(-60)];
        let words = [
            "ends in 1 second",
            "ends in 119 seconds",
            "ends in 60 minutes",
            "ends in 2 hours",
            "ends in 2 days",
            "ended 0 seconds ago",
            "ended 60 seconds ago",
        ];
        assert_eq!(all, words);
        assert_eq!([0, 1023, 1024, 1536, 1 << 30].map(size), ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 GiB"]);
    }
}
