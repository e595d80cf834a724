//! The driver must find what is wrong, name it, and keep an input that shows it again.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use tegata_fuzz::{
    Target,
    corpus::Vectors,
    driver::{self, Options, Problem},
    dump::Dump,
    targets::{PLANTED, TARGETS},
};

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn vectors() -> Vectors {
    Vectors::read(&Vectors::folder()).unwrap()
}

#[test]
fn the_planted_bug_is_found_and_its_input_kept() {
    let options = Options { time: Duration::from_secs(20), seed: 1, findings: folder("planted") };
    let ran = driver::run(&[PLANTED], &vectors(), &options);
    let Some(Problem::Broken { said, file: Ok(file) }) = &ran[0].problem else { panic!("the planted bug was not found: {ran:?}") };
    assert!(said.contains("an escape is cut short"), "{said}");
    let dump = Dump::read(&fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(dump.target, "planted");
    assert!(driver::replay(&PLANTED, &dump.input).unwrap_err().contains("cut short"));
    assert_eq!(driver::replay(&PLANTED, b"a%20b"), Ok(()));
}

#[test]
fn the_program_fails_and_names_target_and_file() {
    let findings = folder("program");
    let short = |arguments: &[&str]| Command::new(env!("CARGO_BIN_EXE_short")).args(arguments).output().unwrap();
    let folder = findings.to_str().unwrap();
    let output = short(&["--seconds", "20", "--target", "planted", "--findings", folder]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("broken: planted"), "{told}");
    let file = fs::read_dir(&findings).unwrap().next().unwrap().unwrap().path();
    assert!(told.contains(file.to_str().unwrap()), "{told}");
    let again = short(&["--replay", file.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(1), "a finding does not show the bug again");
    assert_eq!(short(&["--seconds", "x"]).status.code(), Some(2));
    assert_eq!(short(&["--vectors", "/no/such/folder"]).status.code(), Some(2), "a run without inputs must not pass");
}

#[test]
fn a_target_whose_corpus_never_gets_past_the_parser_is_a_finding() {
    let blind = Target { name: "blind", run: |_| {}, corpus: |_| vec![b"x".to_vec()] };
    let options = Options { time: Duration::ZERO, seed: 1, findings: folder("blind") };
    assert_eq!(driver::run(&[blind], &vectors(), &options)[0].problem, Some(Problem::Shallow));
}

#[test]
fn every_target_keeps_its_promises_on_its_own_corpus() {
    let options = Options { time: Duration::ZERO, seed: 1, findings: folder("corpus") };
    for ran in driver::run(TARGETS, &vectors(), &options) {
        assert_eq!(ran.problem, None, "{}", ran.target);
        assert!(ran.executions >= 3, "{} has a corpus of {}", ran.target, ran.executions);
    }
}
