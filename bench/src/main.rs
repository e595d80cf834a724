//! How fast tegata is: a load generator, the floor it is held against, and single requests in process.
//!
//! Every figure that matters is a ratio in one run against a bare handler that gives back as many bytes; see
//! `docs/performance.md` for what is asked and what was found.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool: printing is its job")]

mod against;
mod all;
mod arguments;
mod client;
mod commands;
mod floor;
mod in_process;
mod load;
mod process;
mod report;
mod setting;
mod work;

use std::{fs, net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use crate::{
    arguments::Arguments,
    floor::Floor,
    load::Plan,
    work::{Asker, Work},
};

const USAGE: &str = "\
usage: tegata-bench all [--quick] [--only WORK] [--seconds N] [--rounds N] [--tegata FILE] [--data DIR] [--document FILE] [--log LEVEL]
       tegata-bench load --work WORK (--to ADDR | --ready-file FILE) [--connections N] [--seconds N] [--count N]
       tegata-bench floor [--http ADDR] [--bytes N | --files DIR] [--ready-file FILE]
       tegata-bench in-process [--times N]

  all         every work on `tegata dev` and on the floor in turn; writes the table into docs/performance.md,
              but with --quick (rounds of 1 s) or --only only prints it
  load        one work, once; with --to and no ready file it signs with keys that exist nowhere, for a floor
  floor       bare handlers: N bytes to every request, or whole files
  in-process  single requests without a network

works: assume-role-acs3, assume-role-rpc, identity, ram-read, ram-write, client-credentials, introspect, refresh, sam-auth, sam-call,
       csp-token, csp-api, login-storm, get-1m, put-1m, get-4k, put-4k";

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = words.split_first() else { return usage("no command was named") };
    let arguments = Arguments::new(rest);
    let answer = match command.as_str() {
        "all" => all(arguments).await,
        "load" => load(arguments).await,
        "floor" => serve_floor(arguments).await,
        "in-process" => in_process(arguments).await,
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        other => return usage(&format!("there is no command `{other}`")),
    };
    match answer {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Problem::Usage(problem)) => usage(&problem),
        Err(Problem::Failed(problem)) => {
            eprintln!("tegata-bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Why a command did not do what it should.
enum Problem {
    Usage(String),
    Failed(String),
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

fn usage(problem: &str) -> ExitCode {
    eprintln!("tegata-bench: {problem}\n\n{USAGE}");
    ExitCode::from(2)
}

async fn all(mut arguments: Arguments) -> Result<bool, Problem> {
    let options = all::Options::read(&mut arguments).map_err(Problem::Usage)?;
    arguments.finish().map_err(Problem::Usage)?;
    Ok(all::run(&options).await?)
}

async fn load(mut arguments: Arguments) -> Result<bool, Problem> {
    let mut read = || -> Result<_, String> {
        let work: Work = arguments.value("--work")?.ok_or("`--work` is needed")?;
        let time = Duration::from_secs(arguments.value("--seconds")?.unwrap_or(3));
        let most = arguments.value("--count")?.unwrap_or(1_000_000);
        let connections = arguments.value("--connections")?.unwrap_or(work.connections());
        Ok((work, time, most, connections, arguments.value::<SocketAddr>("--to")?, arguments.value::<PathBuf>("--ready-file")?))
    };
    let (work, time, most, connections, to, ready) = read().map_err(Problem::Usage)?;
    arguments.finish().map_err(Problem::Usage)?;
    let (asker, to) = match (ready, to) {
        (Some(file), to) => {
            let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let (asker, issuer, gateway) = setting::whom(&text, &[work]).await?;
            (asker, to.unwrap_or(if work.is_object() { gateway } else { issuer }))
        }
        (None, Some(to)) => (Asker::made_up()?, to),
        (None, None) => return Err(Problem::Usage("`--to` or `--ready-file` is needed".to_owned())),
    };
    let plan = Plan { work, to, connections, time, most, pause: Duration::ZERO };
    let before = process::processor_seconds("self");
    let figures = load::run(plan, &Arc::new(asker), &all::payload(work)).await?;
    let own = (process::processor_seconds("self") - before) * 1e6 / load::count(figures.good.max(1));
    println!(
        "{work}: {:.0} req/s over {connections} connections in {:.2} s; p50 {:.3} ms, p99 {:.3} ms, p99.9 {:.3} ms; {} good, {} errors{}; {} bytes; generator {own:.0} µs each",
        figures.rate(),
        figures.seconds,
        figures.latency(0.5),
        figures.latency(0.99),
        figures.latency(0.999),
        figures.good,
        figures.errors,
        figures.first_error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default(),
        figures.bytes,
    );
    Ok(figures.errors == 0 && figures.good > 0)
}

async fn serve_floor(mut arguments: Arguments) -> Result<bool, Problem> {
    let mut read = || -> Result<_, String> {
        let address = arguments.value("--http")?.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
        let files: Option<PathBuf> = arguments.value("--files")?;
        let length = arguments.value("--bytes")?.unwrap_or(1024);
        Ok((address, files.map_or(Floor::Bytes(length), Floor::Files), arguments.value::<PathBuf>("--ready-file")?))
    };
    let (address, floor, ready) = read().map_err(Problem::Usage)?;
    arguments.finish().map_err(Problem::Usage)?;
    let (listener, router) = floor::bind(floor, address).await?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    match ready {
        Some(file) => {
            let scratch = file.with_extension("new");
            let written = fs::write(&scratch, address.to_string()).and_then(|()| fs::rename(&scratch, &file));
            written.map_err(|error| format!("{}: {error}", file.display()))?;
        }
        None => println!("{address}"),
    }
    axum::serve(listener, router).await.map_err(|error| Problem::Failed(error.to_string()))?;
    Ok(true)
}

async fn in_process(mut arguments: Arguments) -> Result<bool, Problem> {
    let times = arguments.value("--times").map_err(Problem::Usage)?.unwrap_or(20_000);
    arguments.finish().map_err(Problem::Usage)?;
    for one in in_process::run(times).await.map_err(|error| error.to_string())? {
        println!("{:<78} p50 {:>8.1} µs   p99 {:>8.1} µs", one.what, one.p50, one.p99);
    }
    Ok(true)
}
