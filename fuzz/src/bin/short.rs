//! A short run of every fuzz target on the stable toolchain.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool: printing is its job")]

use std::{path::PathBuf, process::ExitCode, time::Duration};

use tegata_fuzz::{
    Target,
    corpus::Vectors,
    driver::{self, Options, Problem, Ran},
    dump::Dump,
    targets::{PLANTED, TARGETS},
};

const USAGE: &str = "\
usage: short [--seconds N] [--seed N] [--target NAME]... [--vectors DIR] [--findings DIR]
       short --replay FILE
       short --list

  --seconds N     how long, for all targets together (10)
  --seed N        where the mutations begin (1)
  --target NAME   only this target; may be repeated. `planted` has a bug on purpose
  --vectors DIR   where the inputs to begin with are (vectors)
  --findings DIR  where inputs that break a promise are written (the temporary folder)
  --replay FILE   run the input of such a file once more";

struct Asked {
    options: Options,
    vectors: PathBuf,
    targets: Vec<Target>,
    replay: Option<PathBuf>,
    list: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| matches!(argument.as_str(), "--help" | "-h")) {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let asked = match read(&arguments) {
        Ok(asked) => asked,
        Err(problem) => return usage(&problem),
    };
    if asked.list {
        for target in TARGETS {
            println!("{}", target.name);
        }
        return ExitCode::SUCCESS;
    }
    if let Some(file) = &asked.replay {
        return replay(file);
    }
    let vectors = match Vectors::read(&asked.vectors) {
        Ok(vectors) => vectors,
        Err(problem) => return usage(&problem),
    };
    let ran = driver::run(&asked.targets, &vectors, &asked.options);
    ran.iter().for_each(tell);
    let broken: Vec<&str> = ran.iter().filter(|ran| ran.problem.is_some()).map(|ran| ran.target).collect();
    if broken.is_empty() { ExitCode::SUCCESS } else { failed(&broken) }
}

fn tell(ran: &Ran) {
    println!("{:<16} {:>9} executions, {:>9} past the parser", ran.target, ran.executions, ran.deep);
    match &ran.problem {
        None => {}
        Some(Problem::Shallow) => eprintln!("{}: no input of its corpus gets past its parser", ran.target),
        Some(Problem::Broken { said, file }) => {
            eprintln!("{}: {said}", ran.target);
            match file {
                Ok(file) => eprintln!("{}: the input is in {}", ran.target, file.display()),
                Err(problem) => eprintln!("{}: the input could not be kept: {problem}", ran.target),
            }
        }
    }
}

fn failed(broken: &[&str]) -> ExitCode {
    eprintln!("broken: {}", broken.join(", "));
    ExitCode::FAILURE
}

fn replay(file: &std::path::Path) -> ExitCode {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string());
    let dump = match text.and_then(|text| Dump::read(&text).ok_or_else(|| "is not a finding".to_owned())) {
        Ok(dump) => dump,
        Err(problem) => return usage(&format!("{}: {problem}", file.display())),
    };
    let Some(target) = find(&dump.target) else { return usage(&format!("there is no target `{}`", dump.target)) };
    match driver::replay(&target, &dump.input) {
        Ok(()) => {
            println!("{}: every promise is kept", target.name);
            ExitCode::SUCCESS
        }
        Err(said) => {
            eprintln!("{}: {said}", target.name);
            failed(&[target.name])
        }
    }
}

fn find(name: &str) -> Option<Target> {
    TARGETS.iter().chain(std::iter::once(&PLANTED)).find(|target| target.name == name).copied()
}

fn read(arguments: &[String]) -> Result<Asked, String> {
    let options = Options { time: Duration::from_secs(10), seed: 1, findings: std::env::temp_dir() };
    let mut asked = Asked { options, vectors: Vectors::folder(), targets: Vec::new(), replay: None, list: false };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--list" {
            asked.list = true;
            continue;
        }
        let value = rest.next().ok_or_else(|| format!("`{argument}` needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("`{value}` is not a number"));
        match argument.as_str() {
            "--seconds" => asked.options.time = Duration::from_secs(number()?),
            "--seed" => asked.options.seed = number()?,
            "--target" => asked.targets.push(find(value).ok_or_else(|| format!("there is no target `{value}`"))?),
            "--vectors" => asked.vectors = value.into(),
            "--findings" => asked.options.findings = value.into(),
            "--replay" => asked.replay = Some(value.into()),
            other => return Err(format!("unknown argument `{other}`")),
        }
    }
    if asked.targets.is_empty() {
        asked.targets = TARGETS.to_vec();
    }
    Ok(asked)
}

fn usage(problem: &str) -> ExitCode {
    eprintln!("short: {problem}\n\n{USAGE}");
    ExitCode::from(2)
}
