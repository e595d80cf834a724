//! The machine: environment, programs, child processes.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A variable of the environment; one that is empty counts as absent.
#[expect(clippy::disallowed_methods, reason = "these chores have no configuration but the environment; this is its one reader")]
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The cargo that runs us, or the one in `PATH`.
pub(crate) fn cargo() -> String {
    env("CARGO").unwrap_or_else(|| "cargo".to_owned())
}

/// Where tools and client libraries are kept between runs, outside every clone.
pub(crate) fn cache_dir() -> PathBuf {
    let base = env("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| env("HOME").map(|home| Path::new(&home).join(".cache")));
    base.unwrap_or_else(std::env::temp_dir).join("tegata")
}

/// The first executable file called `name` in `first`, then in `PATH`.
pub(crate) fn find_program(name: &str, first: &[PathBuf]) -> Option<PathBuf> {
    let path = env("PATH").unwrap_or_default();
    let folders = first.iter().cloned().chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(name)).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// What a short command prints, trimmed; `None` if it fails or prints nothing.
pub(crate) fn answer(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// Whether this process has the rights of root.
pub(crate) fn is_root() -> bool {
    answer("id", &["-u"]).as_deref() == Some("0")
}

/// A command that ends with us: where `setpriv` exists, the kernel sends `signal` to it when we die, however we die.
pub(crate) fn tied_to_us(program: &Path, signal: &str) -> Command {
    match find_program("setpriv", &[]) {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", signal]).arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// Runs `command` to its end with all its output appended to `log`.
///
/// # Errors
/// A text for people: it could not be started, ended with a failure, or took longer than `limit` (then it was killed).
pub(crate) fn run_logged(command: &mut Command, log: &Path, limit: Duration) -> Result<(), String> {
    let program = describe(command);
    let mut child = spawn_logged(command, log)?;
    match wait(&mut child, limit)? {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("`{program}` ended with {status}")),
        None => {
            kill_now(&mut child);
            Err(format!("`{program}` was stopped after {} seconds", limit.as_secs()))
        }
    }
}

/// Starts `command` with no input and all its output appended to `log`.
pub(crate) fn spawn_logged(command: &mut Command, log: &Path) -> Result<Child, String> {
    spawn_split(command, log, log)
}

/// Starts `command` with no input, its standard output appended to `out` and its standard error to `log`.
pub(crate) fn spawn_split(command: &mut Command, out: &Path, log: &Path) -> Result<Child, String> {
    let open = |file: &Path| File::options().create(true).append(true).open(file).map_err(|error| format!("{}: {error}", file.display()));
    let (out, err) = (open(out)?, open(log)?);
    let program = describe(command);
    command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().map_err(|error| format!("`{program}` could not be started: {error}"))
}

/// Waits for `child`, at most `limit`; `None` when it still runs.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>, String> {
    let end = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Some(status)),
            Ok(None) if Instant::now() >= end => return Ok(None),
            Ok(None) => sleep(Duration::from_millis(20)),
            Err(error) => return Err(format!("waiting for a child process: {error}")),
        }
    }
}

/// Sends a signal, named as in `kill -s`, to `child`.
pub(crate) fn signal(child: &Child, name: &str) {
    // The standard library has no signals and this workspace has no `unsafe`: the shell's own `kill` is everywhere.
    let script = "kill -s \"$1\" \"$2\" 2>/dev/null";
    let _ = Command::new("sh").args(["-c", script, "kill", name, &child.id().to_string()]).status();
}

/// Ends `child` without asking it.
pub(crate) fn kill_now(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// The last `lines` lines of a file that may be large; empty if it cannot be read.
pub(crate) fn tail(file: &Path, lines: usize) -> String {
    const WINDOW: u64 = 64 * 1024;
    let mut bytes = Vec::new();
    if let Ok(mut open) = File::open(file) {
        let length = open.metadata().map_or(0, |meta| meta.len());
        let _ = open.seek(SeekFrom::Start(length.saturating_sub(WINDOW)));
        let _ = open.read_to_end(&mut bytes);
    }
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    all.iter().skip(all.len().saturating_sub(lines)).copied().collect::<Vec<_>>().join("\n")
}

/// A short name for the content of some files (FNV-1a, 64 bits): a key for caches, not a defence.
pub(crate) fn content_key(files: &[PathBuf]) -> Result<String, String> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in files {
        let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        // The length keeps two files from being told apart wrongly when bytes move from one to the other.
        let length = (bytes.len() as u64).to_le_bytes();
        for byte in length.iter().chain(&bytes) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    Ok(format!("{hash:016x}"))
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(|word| word.to_string_lossy());
    let text = words.collect::<Vec<_>>().join(" ");
    if text.chars().count() > 120 { format!("{}…", text.chars().take(120).collect::<String>()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-sys-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_failing_a_slow_and_a_missing_command_are_told_apart() {
        let folder = scratch("run");
        let log = folder.join("log");
        let sh = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        assert_eq!(run_logged(&mut sh("echo out; echo err >&2"), &log, Duration::from_secs(20)), Ok(()));
        assert_eq!(tail(&log, 5), "out\nerr");
        assert!(run_logged(&mut sh("exit 3"), &log, Duration::from_secs(20)).unwrap_err().contains("exit status: 3"));
        assert!(run_logged(&mut sh("sleep 20"), &log, Duration::from_millis(100)).unwrap_err().contains("was stopped"));
        assert!(run_logged(&mut Command::new("/no/such/program"), &log, Duration::from_secs(1)).unwrap_err().contains("not be started"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_tail_of_a_long_file_is_its_last_lines() {
        let folder = scratch("tail");
        let log = folder.join("log");
        let text = (0..30_000).map(|line| format!("line {line}\n")).collect::<Vec<_>>().concat();
        fs::write(&log, text).unwrap();
        assert_eq!(tail(&log, 2), "line 29998\nline 29999");
        assert_eq!(tail(&folder.join("absent"), 2), "");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_content_key_changes_with_any_byte_and_with_the_border_between_files() {
        let folder = scratch("key");
        let (one, two) = (folder.join("one"), folder.join("two"));
        let key = |a: &str, b: &str| {
            fs::write(&one, a).unwrap();
            fs::write(&two, b).unwrap();
            content_key(&[one.clone(), two.clone()]).unwrap()
        };
        assert_eq!(key("a", "b"), key("a", "b"));
        assert_ne!(key("a", "b"), key("a", "c"));
        assert_ne!(key("ab", ""), key("a", "b"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn programs_are_found_in_the_given_folders_first() {
        assert!(find_program("sh", &[]).is_some());
        assert_eq!(find_program("no-such-program-at-all", &[]), None);
    }
}
