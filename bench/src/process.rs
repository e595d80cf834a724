//! A server in a process of its own: started, watched from outside, ended.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long a server may take until it is ready, and until it has ended.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; ended when dropped.
pub(crate) struct Server {
    child: Child,
    /// From the start of the process until its ready file was there.
    pub(crate) ready_after: Duration,
    /// What the ready file says.
    pub(crate) ready: String,
}

/// What a process holds in memory, in MiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// All of it that is in RAM.
    pub(crate) resident: f64,
    /// Of that, what belongs to no file.
    pub(crate) anonymous: f64,
}

impl Server {
    /// Starts a program and waits for the file that says it is ready; output goes to `log`.
    pub(crate) fn start(command: &mut Command, ready_file: &Path, log: &Path) -> Result<Self, String> {
        let open = || File::options().create(true).append(true).open(log).map_err(|error| format!("{}: {error}", log.display()));
        let program = command.get_program().to_string_lossy().into_owned();
        let _ = fs::remove_file(ready_file);
        command.stdin(Stdio::null()).stdout(open()?).stderr(open()?);
        let began = Instant::now();
        let mut child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
        loop {
            // Written under another name and renamed, so that it is whole once it is there.
            if let Ok(ready) = fs::read_to_string(ready_file) {
                return Ok(Self { child, ready_after: began.elapsed(), ready });
            }
            if let Ok(Some(status)) = child.try_wait() {
                return Err(format!("{program} ended with {status}; see {}", log.display()));
            }
            if began.elapsed() > PATIENCE {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{program} was not ready after {} s; see {}", PATIENCE.as_secs(), log.display()));
            }
            sleep(Duration::from_micros(200));
        }
    }

    /// Processor time used so far, in seconds.
    pub(crate) fn processor_seconds(&self) -> f64 {
        processor_seconds(&self.child.id().to_string())
    }

    /// Memory in use now.
    pub(crate) fn memory(&self) -> Memory {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let mebibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
        };
        Memory { resident: mebibytes("VmRSS:"), anonymous: mebibytes("RssAnon:") }
    }
}

/// Processor time that a process has used so far, in seconds; `self` is this one. Linux only, 0 elsewhere.
pub(crate) fn processor_seconds(process: &str) -> f64 {
    // Linux counts in hundredths of a second on every system it runs on today (`getconf CLK_TCK`).
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold spaces; what counts begins behind it.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / TICKS
}

impl Drop for Server {
    fn drop(&mut self) {
        // The standard library has no signals; the shell's own `kill` is everywhere.
        let _ = Command::new("sh").args(["-c", "kill -s TERM \"$1\" 2>/dev/null", "kill", &self.child.id().to_string()]).status();
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && began.elapsed() < PATIENCE {
            sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_of_this_process_grows() {
        let before = processor_seconds("self");
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(200) {
            std::hint::spin_loop();
        }
        assert!(processor_seconds("self") > before);
    }

    #[test]
    fn a_program_that_ends_is_not_ready() {
        let log = std::env::temp_dir().join(format!("bench-process-{}", std::process::id()));
        let problem = Server::start(Command::new("sh").args(["-c", "exit 3"]), Path::new("/no/such/file"), &log).err().unwrap();
        assert!(problem.contains("exit status: 3"), "{problem}");
        fs::remove_file(log).unwrap();
    }
}
