//! Public client libraries, unmodified, against a running development server.
//!
//! The libraries are installed once per state of their lock files into the cache folder; a suite whose tools are missing is left out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::server::Server;
use super::{Outcome, Session, cargo, secrets};
use crate::sys;

const INSTALL_LIMIT: Duration = Duration::from_mins(15);
const SUITE_LIMIT: Duration = Duration::from_mins(15);

pub(super) fn python(session: &Session<'_>, log: &Path) -> Result<Outcome, String> {
    let source = session.workspace.root.join("interop/python");
    let missing = |why: &str| {
        let get = "install Python 3.11 or newer with its venv module (Debian: apt-get install python3-venv python3-dev)".to_owned();
        Ok(Outcome::LeftOut { why: why.to_owned(), get })
    };
    let Some(python) = sys::find_program("python3", &[]) else { return missing("python3 was not found") };
    if sys::answer(&python.to_string_lossy(), &["-c", "import ensurepip, venv; print('ok')"]).is_none() {
        return missing("python3 has no venv module");
    }
    // Another interpreter needs other compiled wheels.
    let version = sys::answer(&python.to_string_lossy(), &["-c", "import sys; print(sys.version)"]).unwrap_or_default();
    let suite = |kind: &str, requirements: PathBuf, constraints: Option<PathBuf>, tests: &str| {
        let files: Vec<_> = [&requirements].into_iter().chain(&constraints).collect();
        let venv = installed(kind, &files, &version, |folder| {
            sys::run_logged(Command::new(&python).args(["-m", "venv"]).arg(folder), log, INSTALL_LIMIT)?;
            let mut pip = Command::new(folder.join("bin/python"));
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&requirements);
            if let Some(file) = &constraints {
                pip.arg("--constraint").arg(file);
            }
            sys::run_logged(&mut pip, log, INSTALL_LIMIT)
        })?;
        let mut pytest = Command::new(venv.join("bin/python"));
        // `-B` and no cache: the source tree stays as it was.
        pytest.args(["-B", "-m", "pytest", "-p", "no:cacheprovider", "-q", "--color=no", "--tb=short", tests]).current_dir(&source);
        Ok::<_, String>(pytest)
    };
    let suites = vec![
        suite("python", source.join("requirements.txt"), Some(source.join("constraints.txt")), ".")?,
        // What cannot be installed beside the others.
        suite("python-older", source.join("older/requirements.txt"), None, "older")?,
    ];
    against_server(session, log, "interop-python", suites)
}

pub(super) fn node(session: &Session<'_>, log: &Path) -> Result<Outcome, String> {
    let source = session.workspace.root.join("interop/node");
    let (Some(node), Some(npm)) = (sys::find_program("node", &[]), sys::find_program("npm", &[])) else {
        return Ok(Outcome::LeftOut {
            why: "node or npm was not found".to_owned(),
            get: "install Node.js 20.10 or newer with npm (Debian: apt-get install nodejs npm)".to_owned(),
        });
    };
    let files = [source.join("package.json"), source.join("package-lock.json")];
    let packages = installed("node", &[&files[0], &files[1]], "", |folder| {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for file in &files {
            let name = file.file_name().unwrap_or_default();
            fs::copy(file, folder.join(name)).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        let mut install = Command::new(&npm);
        install.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]).current_dir(folder);
        sys::run_logged(&mut install, log, INSTALL_LIMIT)
    })?;
    let mut tests = fs::read_dir(&source)
        .map_err(|error| format!("{}: {error}", source.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".test.js"))
        .collect::<Vec<_>>();
    tests.sort();
    let mut command = Command::new(node);
    // One file after another: some change the settings of the account that they share.
    command.args(["--test", "--test-concurrency=1"]).args(tests).current_dir(&source).env("NODE_PATH", packages.join("node_modules"));
    against_server(session, log, "interop-node", vec![command])
}

/// The folder with the libraries that `files` name, made by `install` if it is not there yet.
///
/// It is built under another name and renamed when complete, so a run that was cut off leaves nothing that looks ready.
fn installed(kind: &str, files: &[&PathBuf], variant: &str, install: impl FnOnce(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let base = sys::cache_dir().join("interop");
    let at = |error: std::io::Error| format!("{}: {error}", base.display());
    fs::create_dir_all(&base).map_err(at)?;
    let note = base.join(format!(".{kind}-{}", std::process::id()));
    fs::write(&note, variant).map_err(at)?;
    let mut inputs: Vec<PathBuf> = files.iter().map(|&file| file.clone()).collect();
    inputs.push(note.clone());
    let key = sys::content_key(&inputs);
    let _ = fs::remove_file(note);
    let folder = base.join(format!("{kind}-{}", key?));
    let complete = folder.join(".complete");
    if !complete.exists() {
        // A virtual environment knows its own path, so it is built in place; the mark comes last.
        let _ = fs::remove_dir_all(&folder);
        install(&folder)?;
        fs::write(complete, "").map_err(at)?;
    }
    Ok(folder)
}

/// Runs a suite's commands, one after another, against a server of its own, and leaves the server's log and the secrets for the suite
/// `secrets`.
fn against_server(session: &Session<'_>, log: &Path, name: &str, mut suites: Vec<Command>) -> Result<Outcome, String> {
    cargo::build_programs(session, log)?;
    let folder = session.folder.join(name);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let secrets = folder.join(secrets::OBTAINED);
    let _ = fs::remove_file(&secrets);
    let server = Server::start(session, &folder)?;
    let kept = secrets::keep_those_of(&server.ready, &folder.join(secrets::SEEDED));
    let ran = suites.iter_mut().try_for_each(|suite| {
        suite.env("TEGATA_PROGRAM", session.binary("tegata"));
        suite.env("TEGATA_READY", &server.ready).env("TEGATA_SECRETS_FILE", &secrets).env("NO_PROXY", "127.0.0.1,localhost");
        sys::run_logged(suite, log, SUITE_LIMIT)
    });
    let stopped = server.stop();
    show_counts(log);
    ran.and(kept).and(stopped).map(|()| Outcome::Passed)
}

/// The runners' own closing lines, so that nobody has to open the log to see how much was run.
fn show_counts(log: &Path) {
    let text = fs::read_to_string(log).unwrap_or_default();
    for line in text.lines() {
        let pytest = line.contains(" passed") && line.contains(" in ") && line.ends_with('s');
        let node = ["# tests ", "# pass ", "# fail ", "ℹ tests ", "ℹ pass ", "ℹ fail "].iter().any(|start| line.starts_with(start));
        if pytest || node {
            println!("    {line}");
        }
    }
}
