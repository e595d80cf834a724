//! The figures as text for people, and where they stand in a document.

use std::{fmt::Write as _, fs, path::Path};

use crate::{
    in_process::Timed,
    process::Memory,
    work::{Bound, Work},
};

const START: &str = "<!-- bench -->";
const END: &str = "<!-- /bench -->";

/// One side of a comparison: medians over the rounds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Side {
    /// Good answers per second.
    pub(crate) rate: f64,
    /// Latencies in milliseconds.
    pub(crate) p50: f64,
    /// 99 of 100 took less.
    pub(crate) p99: f64,
    /// 999 of 1000 took less.
    pub(crate) p999: f64,
    /// Processor time of the server for one request, in microseconds.
    pub(crate) processor: f64,
    /// Processor time of the load generator for one request.
    pub(crate) generator: f64,
}

/// One work on both sides.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The work.
    pub(crate) work: Work,
    /// How many connections.
    pub(crate) connections: usize,
    /// The floor.
    pub(crate) floor: Side,
    /// The server.
    pub(crate) server: Side,
    /// The median of the rounds' ratios of rates.
    pub(crate) ratio: f64,
    /// Answers that were no success, on both sides and over all rounds.
    pub(crate) errors: u64,
    /// The first of them.
    pub(crate) first_error: Option<String>,
}

/// One work against what holds it back.
#[derive(Debug, Clone)]
pub(crate) struct Bounded {
    /// The work.
    pub(crate) work: Work,
    /// What holds it back.
    pub(crate) bound: Bound,
    /// In how many threads that was measured.
    pub(crate) threads: usize,
    /// How many connections asked.
    pub(crate) connections: usize,
    /// How many a second these threads do of it.
    pub(crate) limit: f64,
    /// Good answers per second.
    pub(crate) rate: f64,
    /// The median of the rounds' ratios of the two.
    pub(crate) ratio: f64,
    /// Milliseconds that half, 99 of 100 and 999 of 1000 answers stayed below.
    pub(crate) latencies: [f64; 3],
    /// Processor time of the server for one answer, in microseconds.
    pub(crate) processor: f64,
    /// What it did to others.
    pub(crate) beside: Option<Beside>,
    /// Answers that were no success, those of the others among them.
    pub(crate) errors: u64,
    /// The first of them.
    pub(crate) first_error: Option<String>,
}

/// How long a few others waited for AssumeRole: 99 of 100 less than this many milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beside {
    /// With nothing else to do.
    pub(crate) idle: f64,
    /// During the work.
    pub(crate) busy: f64,
    /// The median of the rounds' ratios.
    pub(crate) ratio: f64,
}

/// At most this many times as long may others wait during a storm of sign-ins.
const BESIDE: f64 = 3.0;

impl Bounded {
    /// In one line.
    pub(crate) fn line(&self) -> String {
        let beside = self.beside.map(|beside| format!("; others' p99 {:.2} ms, idle {:.2} ms", beside.busy, beside.idle));
        format!(
            "{} {:.0}/s, tegata {:.0}/s, ratio {:.2}; p99 {:.2} ms; {:.0} µs of processor{}; {} errors",
            self.bound_in_words(),
            self.limit,
            self.rate,
            self.ratio,
            self.latencies[1],
            self.processor,
            beside.unwrap_or_default(),
            self.errors
        )
    }

    fn bound_in_words(&self) -> String {
        let what = match self.bound {
            Bound::Signatures => "RSA-2048 signatures",
            Bound::Passwords => "argon2id, 19 MiB, two passes",
        };
        format!("{what}, {} {}", self.threads, if self.threads == 1 { "thread" } else { "threads" })
    }
}

/// Everything that one run found.
#[derive(Debug)]
pub(crate) struct Report {
    /// The day, `2026-01-02`.
    pub(crate) day: String,
    /// Rounds of each work, and seconds of each round.
    pub(crate) rounds: (usize, f64),
    /// How many cores there are.
    pub(crate) cores: usize,
    /// What else ran: the load average of the minute before the run, where the system tells it.
    pub(crate) load: Option<String>,
    /// A small write with fsync in the data folder, in milliseconds.
    pub(crate) sync: f64,
    /// The works.
    pub(crate) rows: Vec<Row>,
    /// The works that something else holds back.
    pub(crate) bounded: Vec<Bounded>,
    /// Single requests in process.
    pub(crate) in_process: Vec<Timed>,
    /// From start to ready file on an empty store, in milliseconds, of each start.
    pub(crate) ready: Vec<f64>,
    /// At rest, after start.
    pub(crate) at_rest: Memory,
    /// After all loads.
    pub(crate) after: Memory,
    /// Commands on the command line, as whole processes.
    pub(crate) commands: Vec<Command>,
}

/// One command, run often as a whole process: wall time in milliseconds, and what is asked.
#[derive(Debug)]
pub(crate) struct Command {
    /// What it is.
    pub(crate) what: &'static str,
    /// The median.
    pub(crate) median: f64,
    /// 99 of 100 took less.
    pub(crate) p99: f64,
    /// What is asked of the median.
    pub(crate) asked: f64,
}

impl Work {
    /// What it is, for people.
    fn words(self) -> String {
        match self {
            Self::AssumeRoleAcs3 => "AssumeRole, ACS3, session policy, durable audit".to_owned(),
            Self::AssumeRoleRpc => "AssumeRole, RPC V1, session policy, durable audit".to_owned(),
            Self::Identity => "GetCallerIdentity, RPC V1, temporary key".to_owned(),
            Self::RamRead => "RAM GetUser, RPC V1, administrator's key".to_owned(),
            Self::RamWrite => "RAM UpdateUser, RPC V1, administrator's key, durable".to_owned(),
            Self::ClientCredentials => "token of a client for itself, durable audit".to_owned(),
            Self::Introspect => "introspection of such a token".to_owned(),
            Self::Refresh => "refresh token for new tokens, durable".to_owned(),
            Self::SamAuth => "operator API: session by auth key, durable audit".to_owned(),
            Self::SamCall => "operator API: call with API key and token".to_owned(),
            Self::SamLogin => "operator API: session by password, durable audit".to_owned(),
            Self::CspToken => "organisation's app: RS256 token for itself, durable audit".to_owned(),
            Self::CspApi => "organisation's API: call with a token seen before".to_owned(),
            Self::Get(size) => format!("object GET {}, OSS V4, temporary key", bytes(size)),
            Self::Put(size) => format!("object PUT {}, OSS V4, temporary key, durable", bytes(size)),
        }
    }

    /// The ratio that is asked for: now, and in the end.
    fn asked(self) -> (Option<f64>, f64) {
        match self {
            Self::AssumeRoleAcs3 | Self::AssumeRoleRpc => (Some(0.12), 0.25),
            Self::ClientCredentials => (Some(0.15), 0.20),
            Self::Identity | Self::Introspect => (None, 0.50),
            Self::RamWrite => (None, 0.12),
            Self::Get(size) if size >= 1 << 20 => (None, 1.05),
            Self::Put(size) if size >= 1 << 20 => (None, 0.50),
            Self::Refresh => (Some(0.12), 0.15),
            Self::SamAuth => (None, 0.15),
            Self::SamLogin => (None, 0.90),
            Self::CspToken => (None, 0.70),
            Self::Get(_) | Self::RamRead | Self::SamCall | Self::CspApi => (None, 0.40),
            Self::Put(_) => (None, 0.30),
        }
    }
}

fn bytes(size: usize) -> String {
    if size >= 1 << 20 { format!("{} MiB", size >> 20) } else { format!("{} KiB", size >> 10) }
}

/// The middle of a list.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

impl Report {
    /// As Markdown.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let (rounds, seconds) = self.rounds;
        let _ = writeln!(
            out,
            "Measured {} on {} cores, shared by load generator, floor and server; release build; {rounds} rounds of {seconds} s each, floor and server\n\
             alternating; medians of the rounds. A write of 4 KiB with fsync in the data folder takes {:.2} ms there{}.\n",
            self.day,
            self.cores,
            self.sync,
            self.load.as_ref().map(|load| format!("; the load average before the run was {load} (idle: 0)")).unwrap_or_default()
        );
        self.table(&mut out);
        self.against(&mut out);
        self.single(&mut out);
        out
    }

    fn table(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "| work | connections | floor req/s | tegata req/s | ratio | asked now | asked in the end | p50 / p99 / p99.9 ms | floor's | µs of processor: tegata / floor / generator |"
        );
        let _ = writeln!(out, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
        for row in &self.rows {
            let (now, end) = row.work.asked();
            let now = now.map_or_else(|| "–".to_owned(), |asked| mark(row.ratio, asked));
            let latencies = |side: &Side| format!("{:.2} / {:.2} / {:.2}", side.p50, side.p99, side.p999);
            let _ = writeln!(
                out,
                "| {} | {} | {:.0} | {:.0} | **{:.2}** | {now} | {} | {} | {} | {:.0} / {:.0} / {:.0} |",
                row.work.words(),
                row.connections,
                row.floor.rate,
                row.server.rate,
                row.ratio,
                mark(row.ratio, end),
                latencies(&row.server),
                latencies(&row.floor),
                row.server.processor,
                row.floor.processor,
                row.server.generator,
            );
        }
        for row in self.rows.iter().filter(|row| row.errors > 0) {
            let first = row.first_error.as_deref().unwrap_or("");
            let _ = writeln!(out, "\n**Not to be trusted:** {} had {} errors, the first of them `{first}`.", row.work.words(), row.errors);
        }
    }

    fn against(&self, out: &mut String) {
        if self.bounded.is_empty() {
            return;
        }
        let _ = writeln!(
            out,
            "\n| work, against what bounds it | connections | bound | of it /s | tegata req/s | ratio | asked in the end | p50 / p99 / p99.9 ms | µs of processor |\n\
             |---|--:|---|--:|--:|--:|--:|--:|--:|"
        );
        for row in &self.bounded {
            let [p50, p99, p999] = row.latencies;
            let _ = writeln!(
                out,
                "| {} | {} | {} | {:.0} | {:.0} | **{:.2}** | {} | {p50:.2} / {p99:.2} / {p999:.2} | {:.0} |",
                row.work.words(),
                row.connections,
                row.bound_in_words(),
                row.limit,
                row.rate,
                row.ratio,
                mark(row.ratio, row.work.asked().1),
                row.processor,
            );
        }
        for (row, beside) in self.bounded.iter().filter_map(|row| Some((row, row.beside?))) {
            let _ = writeln!(
                out,
                "\nDuring the storm of the work \"{}\", 99 of 100 AssumeRole of a few others took less than {:.2} ms, without it less than {:.2} ms:\n\
                 **{:.1}** times as long (asked: ≤ {BESIDE:.0} {}).",
                row.work.words(),
                beside.busy,
                beside.idle,
                beside.ratio,
                if beside.ratio <= BESIDE { "✓" } else { "✗" }
            );
        }
        for row in self.bounded.iter().filter(|row| row.errors > 0) {
            let first = row.first_error.as_deref().unwrap_or("");
            let _ = writeln!(out, "\n**Not to be trusted:** {} had {} errors, the first of them `{first}`.", row.work.words(), row.errors);
        }
    }

    fn single(&self, out: &mut String) {
        let _ = writeln!(out, "\n| one request in process, warm | p50 µs | p99 µs | asked |\n|---|--:|--:|--:|");
        for one in &self.in_process {
            let asked = if one.what.contains(", decide") || one.what.contains("the same") || one.what.contains("pure") {
                let kept = one.p50 <= 15.0 && one.p99 <= 50.0;
                format!("≤ 15, ≤ 50 {}", if kept { "✓" } else { "✗" })
            } else {
                "–".to_owned()
            };
            let _ = writeln!(out, "| {} | {:.1} | {:.1} | {asked} |", one.what, one.p50, one.p99);
        }
        let _ = writeln!(out, "\n| the server | found | asked |\n|---|--:|--:|");
        let tick = |kept: bool| if kept { "✓" } else { "✗" };
        let worst = self.ready.iter().copied().fold(0.0, f64::max);
        let ready = median(self.ready.clone());
        let _ = writeln!(
            out,
            "| start to ready file, empty store ({} starts: median, worst) | {ready:.0} ms, {worst:.0} ms | ≤ 100 ms {} |",
            self.ready.len(),
            tick(ready <= 100.0)
        );
        let rest = self.at_rest;
        let _ = writeln!(
            out,
            "| memory at rest (of it anonymous) | {:.1} MiB ({:.1}) | ≤ 30 MB {} |",
            rest.resident,
            rest.anonymous,
            tick(rest.resident * 1.048_576 <= 30.0)
        );
        for one in &self.commands {
            let _ = writeln!(
                out,
                "| {} (median, p99) | {:.1} ms, {:.1} ms | ≤ {:.0} ms {} |",
                one.what,
                one.median,
                one.p99,
                one.asked,
                tick(one.median <= one.asked)
            );
        }
        let _ = writeln!(
            out,
            "| memory after all loads (of it anonymous) | {:.1} MiB ({:.1}) | – |",
            self.after.resident, self.after.anonymous
        );
    }
}

fn mark(ratio: f64, asked: f64) -> String {
    format!("≥ {asked:.2} {}", if ratio >= asked { "✓" } else { "✗" })
}

/// Puts `text` between the markers of a document.
///
/// # Errors
/// A text for people: the file cannot be read or written, or has no markers.
pub(crate) fn write_into(document: &Path, text: &str) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", document.display());
    let old = fs::read_to_string(document).map_err(told)?;
    let new = replaced(&old, text).ok_or_else(|| format!("{}: there is no `{START}` … `{END}`", document.display()))?;
    fs::write(document, new).map_err(told)
}

fn replaced(old: &str, text: &str) -> Option<String> {
    let (before, rest) = old.split_once(START)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{START}\n{text}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(ratio: f64) -> Report {
        let side = Side { rate: 1000.0, p50: 1.0, p99: 2.0, p999: 3.0, processor: 40.0, generator: 20.0 };
        let row = Row { work: Work::AssumeRoleAcs3, connections: 128, floor: side, server: side, ratio, errors: 0, first_error: None };
        let storm = Bounded {
            work: Work::SamLogin,
            bound: Bound::Passwords,
            threads: 2,
            connections: 16,
            limit: 100.0,
            rate: 95.0,
            ratio: 0.95,
            latencies: [1.0, 2.0, 3.0],
            processor: 20_000.0,
            beside: Some(Beside { idle: 1.0, busy: 4.0, ratio: 4.0 }),
            errors: 0,
            first_error: None,
        };
        let memory = Memory { resident: 20.0, anonymous: 8.0 };
        let timed = Timed { what: "pure", p50: 10.0, p99: 60.0 };
        Report {
            day: "2026-01-02".into(),
            rounds: (3, 4.0),
            cores: 2,
            load: None,
            sync: 0.5,
            rows: vec![row],
            bounded: vec![storm],
            in_process: vec![timed],
            ready: vec![90.0, 110.0, 95.0],
            at_rest: memory,
            after: memory,
            commands: vec![Command { what: "a command", median: 3.0, p99: 4.0, asked: 5.0 }],
        }
    }

    #[test]
    fn what_is_not_reached_is_said() {
        let text = report(0.2).text();
        assert!(text.contains("≥ 0.12 ✓ | ≥ 0.25 ✗"), "{text}");
        assert!(text.contains("≤ 15, ≤ 50 ✗"), "{text}");
        assert!(text.contains("95 ms, 110 ms"), "{text}");
        assert!(text.contains("argon2id, 19 MiB, two passes, 2 threads | 100 | 95 | **0.95** | ≥ 0.90 ✓"), "{text}");
        assert!(text.contains("**4.0** times as long (asked: ≤ 3 ✗)"), "{text}");
        assert!(!text.contains("Not to be trusted"), "{text}");
        let mut bad = report(0.3);
        bad.rows[0].errors = 2;
        assert!(bad.text().contains("Not to be trusted"));
    }

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let once = replaced("a\n<!-- bench -->\nold\n<!-- /bench -->\nz\n", "new\n").unwrap();
        assert_eq!(once, "a\n<!-- bench -->\nnew\n<!-- /bench -->\nz\n");
        assert_eq!(replaced(&once, "new\n").unwrap(), once);
        assert_eq!(replaced("no markers", "new"), None);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 0.001);
        assert!(median(Vec::new()).abs() < 0.001);
    }
}
