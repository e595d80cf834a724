//! The whole run: server and floor in processes of their own, asked in turn by the same load generator.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tegata_core::clock::{Clock as _, SystemClock};

use crate::{
    against,
    arguments::Arguments,
    client::Connection,
    commands, in_process,
    load::{self, Figures, Plan, count},
    process::{Memory, Server, processor_seconds},
    report::{self, Report, Row, Side, median},
    setting,
    work::{Asker, OBJECTS, Work},
};

/// How the run is made.
pub(crate) struct Options {
    tegata: PathBuf,
    data: PathBuf,
    document: Option<PathBuf>,
    rounds: usize,
    time: Duration,
    times: usize,
    works: Vec<Work>,
    log: Option<String>,
}

impl Options {
    /// Reads the command line.
    pub(crate) fn read(arguments: &mut Arguments) -> Result<Self, String> {
        let quick = arguments.flag("--quick");
        let document = arguments.value("--document")?;
        let only: Option<Work> = arguments.value("--only")?;
        Ok(Self {
            tegata: arguments.value("--tegata")?.unwrap_or_else(|| "target/release/tegata".into()),
            data: arguments.value("--data")?.unwrap_or_else(|| "target/bench-data".into()),
            // A quick look, or a look at one work, is not what the document promises.
            document: if quick || only.is_some() { None } else { Some(document.unwrap_or_else(|| "docs/performance.md".into())) },
            rounds: arguments.value("--rounds")?.unwrap_or(3),
            time: Duration::from_secs(arguments.value("--seconds")?.unwrap_or(if quick { 1 } else { 4 })),
            times: if quick { 2_000 } else { 20_000 },
            works: only.map_or_else(|| Work::ALL.to_vec(), |work| vec![work]),
            log: arguments.value("--log")?,
        })
    }

    /// A folder of ours in the data folder, empty.
    fn fresh(&self, name: &str) -> Result<PathBuf, String> {
        let folder = self.data.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(folder)
    }

    fn start(&self, folder: &Path) -> Result<Server, String> {
        let (ready, log) = (folder.join("ready.json"), folder.join("log"));
        let mut command = Command::new(&self.tegata);
        command.args(["dev", "--http", "127.0.0.1:0", "--oss", "127.0.0.1:0"]);
        command.arg("--data").arg(folder.join("data")).arg("--ready-file").arg(&ready);
        if let Some(level) = &self.log {
            command.args(["--log", level]);
        }
        Server::start(&mut command, &ready, &log)
    }
}

/// Runs everything and tells it; true if every answer was a good one.
pub(crate) async fn run(options: &Options) -> Result<bool, String> {
    let load = fs::read_to_string("/proc/loadavg").ok().and_then(|text| Some(text.split(' ').next()?.to_owned()));
    let sync = sync_time(&options.fresh("sync")?)?;
    let (ready, at_rest) = starts(options)?;
    say(&format!("ready after {:.0} ms (median), {:.1} MiB at rest", median(ready.clone()), at_rest.resident));

    let server = options.start(&options.fresh("server")?)?;
    let (asker, issuer, gateway) = setting::whom(&server.ready, &options.works).await?;
    let asker = Arc::new(asker);
    let (mut rows, mut bounded) = (Vec::new(), Vec::new());
    for work in &options.works {
        if let Some(bound) = work.bound() {
            let row = against::measure((options.rounds, options.time), &server, &asker, (*work, bound), issuer).await?;
            say(&format!("{work}: {}", row.line()));
            bounded.push(row);
            continue;
        }
        let row = compare(options, &server, &asker, *work, if work.is_object() { gateway } else { issuer }).await?;
        say(&format!(
            "{work}: floor {:.0}/s, tegata {:.0}/s, ratio {:.2}; p99 {:.2} ms; {:.0} µs of processor (floor {:.0}); {} errors",
            row.floor.rate, row.server.rate, row.ratio, row.server.p99, row.server.processor, row.floor.processor, row.errors
        ));
        rows.push(row);
    }
    let after = server.memory();
    let commands = commands::measure(&options.tegata, &options.fresh("commands")?, &asker, issuer)?;
    drop(server);
    let in_process = in_process::run(options.times).await.map_err(|error| error.to_string())?;
    let report = Report {
        day: SystemClock.now().to_iso().chars().take(10).collect(),
        rounds: (options.rounds, options.time.as_secs_f64()),
        cores: thread::available_parallelism().map_or(1, std::num::NonZero::get),
        load,
        sync,
        rows,
        bounded,
        in_process,
        ready,
        at_rest,
        after,
        commands,
    };
    let text = report.text();
    say(&format!("\n{text}"));
    if let Some(document) = &options.document {
        report::write_into(document, &text)?;
        say(&format!("written into {}", document.display()));
    }
    for folder in ["sync", "start", "server", "floor", "commands"] {
        let _ = fs::remove_dir_all(options.data.join(folder));
    }
    Ok(report.rows.iter().all(|row| row.errors == 0) && report.bounded.iter().all(|row| row.errors == 0))
}

#[expect(clippy::print_stdout, reason = "a command-line tool: printing is its job")]
fn say(text: &str) {
    println!("{text}");
}

/// The median of a write of 4 KiB that is waited for, in milliseconds.
fn sync_time(folder: &Path) -> Result<f64, String> {
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut file = fs::File::create(folder.join("file")).map_err(told)?;
    let mut taken = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        file.write_all(&[7; 4096]).and_then(|()| file.sync_all()).map_err(told)?;
        taken.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(median(taken))
}

/// Several starts on an empty store: how long each took until ready, and what the last one holds a second later.
fn starts(options: &Options) -> Result<(Vec<f64>, Memory), String> {
    let mut ready = Vec::new();
    let mut memory = Memory { resident: 0.0, anonymous: 0.0 };
    for _ in 0..5 {
        let server = options.start(&options.fresh("start")?)?;
        ready.push(server.ready_after.as_secs_f64() * 1000.0);
        thread::sleep(Duration::from_secs(1));
        memory = server.memory();
    }
    Ok((ready, memory))
}

/// One side in one round.
struct Round {
    figures: Figures,
    processor: f64,
    generator: f64,
}

/// One work on both sides, in turn.
async fn compare(options: &Options, server: &Server, asker: &Arc<Asker>, work: Work, to: SocketAddr) -> Result<Row, String> {
    let payload = payload(work);
    let folder = options.fresh("floor")?;
    let mut command = Command::new(std::env::current_exe().map_err(|error| error.to_string())?);
    command.arg("floor").arg("--ready-file").arg(folder.join("ready"));
    if work.is_object() {
        command.arg("--files").arg(folder.join("files"));
    } else {
        let (status, body) = Connection::open(to).await?.ask(asker.request(work, 0, to, &payload)?).await?;
        if !status.is_success() {
            return Err(format!("{work} answered {status}: {}", String::from_utf8_lossy(&body)));
        }
        command.arg("--bytes").arg(body.len().to_string());
    }
    let floor = Server::start(&mut command, &folder.join("ready"), &folder.join("log"))?;
    let floor_at: SocketAddr = floor.ready.trim().parse().map_err(|_| "the floor gave no address".to_owned())?;
    if let Work::Get(size) = work {
        for to in [floor_at, to] {
            let mut connection = Connection::open(to).await?;
            for n in 0..OBJECTS {
                let (status, body) = connection.ask(asker.prepare(size, n, to, &payload)?).await?;
                if !status.is_success() {
                    return Err(format!("{work}: a PUT answered {status}: {}", String::from_utf8_lossy(&body)));
                }
            }
        }
    }
    let one = async |process: &Server, to: SocketAddr, time: Duration| {
        let plan = Plan { work, to, connections: work.connections(), time, most: 5_000_000, pause: Duration::ZERO };
        let (processor, generator) = (process.processor_seconds(), processor_seconds("self"));
        let figures = load::run(plan, asker, &payload).await?;
        let each = |seconds: f64| seconds * 1e6 / count(figures.good.max(1));
        Ok::<_, String>(Round {
            processor: each(process.processor_seconds() - processor),
            generator: each(processor_seconds("self") - generator),
            figures,
        })
    };
    // Not counted: caches, connections, files.
    let warm = options.time / 4;
    let mut errors = 0;
    let mut first_error = None;
    let (mut of_floor, mut of_server) = (Vec::new(), Vec::new());
    for round in 0..=options.rounds {
        let time = if round == 0 { warm } else { options.time };
        for (process, to, rounds) in [(&floor, floor_at, &mut of_floor), (server, to, &mut of_server)] {
            let found = one(process, to, time).await?;
            errors += found.figures.errors;
            first_error = first_error.or_else(|| found.figures.first_error.clone());
            if round > 0 {
                rounds.push(found);
            }
        }
    }
    let ratios = of_server.iter().zip(&of_floor).map(|(server, floor)| server.figures.rate() / floor.figures.rate().max(f64::MIN_POSITIVE));
    let ratio = median(ratios.collect());
    Ok(Row { work, connections: work.connections(), floor: side(&of_floor), server: side(&of_server), ratio, errors, first_error })
}

/// What a PUT of this work sends: bytes that no compression makes small.
pub(crate) fn payload(work: Work) -> Bytes {
    let (Work::Get(size) | Work::Put(size)) = work else { return Bytes::new() };
    let mut state = 0x9E37_79B9_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    noise.take(size).collect()
}

fn side(rounds: &[Round]) -> Side {
    let of = |what: &dyn Fn(&Round) -> f64| median(rounds.iter().map(what).collect());
    Side {
        rate: of(&|round| round.figures.rate()),
        p50: of(&|round| round.figures.latency(0.5)),
        p99: of(&|round| round.figures.latency(0.99)),
        p999: of(&|round| round.figures.latency(0.999)),
        processor: of(&|round| round.processor),
        generator: of(&|round| round.generator),
    }
}
