//! A PostgreSQL cluster that lives as long as one suite.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::sys;

const START_LIMIT: Duration = Duration::from_mins(1);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// The server programs of this machine and who may run them.
pub(super) struct Found {
    /// Folder with `initdb`, `postgres` and `pg_isready`.
    programs: PathBuf,
    /// PostgreSQL refuses to run as root: then another user runs it.
    user: Option<User>,
}

struct User {
    name: &'static str,
    uid: u32,
    gid: u32,
}

/// A running cluster; dropped, it is stopped and its files are removed.
pub(super) struct Cluster {
    server: Option<Child>,
    folder: PathBuf,
    url: String,
}

impl Found {
    /// Looks where Debian puts every version side by side (newest first), then in `PATH`.
    pub(super) fn look() -> Option<Self> {
        let mut folders: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| (entry.file_name().to_string_lossy().parse().unwrap_or(0), entry.path().join("bin")))
            .collect();
        folders.sort_by(|a, b| b.cmp(a));
        let folders: Vec<PathBuf> = folders.into_iter().map(|(_, folder)| folder).collect();
        let initdb = sys::find_program("initdb", &folders)?;
        // A link in PATH may point into the folder where the server's other programs are.
        let programs = fs::canonicalize(initdb).ok()?.parent()?.to_owned();
        let complete = ["postgres", "pg_isready"].iter().all(|name| programs.join(name).is_file());
        let user = if sys::is_root() { Some(User::without_rights()?) } else { None };
        complete.then_some(Self { programs, user })
    }

    /// A command of the server's user, in a folder that this user can enter.
    fn command(&self, program: &str, folder: &Path, signal: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match (&self.user, sys::find_program("setpriv", &[])) {
            (None, _) => sys::tied_to_us(&program, signal),
            (Some(user), Some(setpriv)) => {
                let mut command = Command::new(setpriv);
                command.args(["--reuid", user.name, "--regid", &user.gid.to_string(), "--init-groups"]);
                command.args(["--pdeathsig", signal]).arg(program);
                command
            }
            (Some(user), None) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user.name, "--"]).arg(program);
                command
            }
        };
        // Settings of a person's own clusters must not reach this one.
        for name in ["PGHOST", "PGPORT", "PGUSER", "PGDATA", "PGDATABASE", "PGOPTIONS", "PGSERVICE", "PGPASSWORD"] {
            command.env_remove(name);
        }
        command.current_dir(folder).env("LC_ALL", "C");
        command
    }
}

impl User {
    fn without_rights() -> Option<Self> {
        ["postgres", "nobody"].into_iter().find_map(|name| {
            let number = |flag| sys::answer("id", &[flag, name])?.parse().ok();
            Some(Self { name, uid: number("-u")?, gid: number("-g")? })
        })
    }
}

impl Cluster {
    /// Makes a cluster in a temporary folder and starts it on a free loopback port.
    ///
    /// A password guards it: loopback is shared with everybody on the machine, and its user may start programs.
    pub(super) fn start(found: &Found, log: &Path) -> Result<Self, String> {
        let _ = fs::remove_file(log);
        // A person's own temporary folder may be closed to the other user; this one is open to all.
        let base = if found.user.is_some() { PathBuf::from("/tmp") } else { std::env::temp_dir() };
        let folder = base.join(format!("tegata-postgres-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::DirBuilder::new().mode(0o700).create(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut cluster = Self { server: None, folder, url: String::new() };
        cluster.make(found, log)?;
        Ok(cluster)
    }

    fn make(&mut self, found: &Found, log: &Path) -> Result<(), String> {
        let at = |error: std::io::Error| format!("{}: {error}", self.folder.display());
        let password = random_word()?;
        let password_file = self.folder.join("password");
        fs::write(&password_file, &password).map_err(at)?;
        if let Some(user) = &found.user {
            chown(&password_file, Some(user.uid), Some(user.gid)).map_err(at)?;
            chown(&self.folder, Some(user.uid), Some(user.gid)).map_err(at)?;
        }
        let data = self.folder.join("data");

        let mut initdb = found.command("initdb", &self.folder, "KILL");
        initdb.arg("--pgdata").arg(&data).arg("--pwfile").arg(&password_file);
        initdb.args(["--username=tegata", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]);
        sys::run_logged(&mut initdb, log, START_LIMIT)?;

        let port = free_port().map_err(at)?;
        let mut postgres = found.command("postgres", &self.folder, "INT");
        postgres.arg("-D").arg(&data).args(["-p", &port.to_string(), "-h", "127.0.0.1"]);
        // No socket file, and no waiting for the disk: nobody needs these rows after a crash of this machine.
        let settings =
            ["unix_socket_directories=", "max_connections=300", "fsync=off", "full_page_writes=off", "timezone=UTC", "log_timezone=UTC"];
        for setting in settings {
            postgres.args(["-c", setting]);
        }
        self.server = Some(sys::spawn_logged(&mut postgres, log)?);
        self.url = format!("postgres://tegata:{password}@127.0.0.1:{port}/postgres");
        self.wait_until_ready(found, port)
    }

    fn wait_until_ready(&mut self, found: &Found, port: u16) -> Result<(), String> {
        let end = Instant::now() + START_LIMIT;
        let ready = found.programs.join("pg_isready");
        while Instant::now() < end {
            if let Some(server) = &mut self.server
                && let Some(status) = sys::wait(server, Duration::from_millis(50))?
            {
                return Err(format!("postgres ended with {status} while it was starting"));
            }
            let arguments = ["-q", "-h", "127.0.0.1", "-p", &port.to_string(), "-d", "postgres"];
            if Command::new(&ready).args(arguments).status().is_ok_and(|status| status.success()) {
                return Ok(());
            }
            sleep(Duration::from_millis(50));
        }
        Err(format!("postgres was not ready within {} seconds", START_LIMIT.as_secs()))
    }

    /// How tests reach it: a `postgres://` URL of its superuser.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // INT is PostgreSQL's fast shutdown: it ends the sessions and then itself.
            sys::signal(server, "INT");
            if !matches!(sys::wait(server, STOP_LIMIT), Ok(Some(_))) {
                sys::kill_now(server);
            }
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn random_word() -> Result<String, String> {
    use std::fmt::Write as _;
    let mut bytes = [0_u8; 16];
    let read = fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|error| format!("/dev/urandom: {error}"))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_answers_and_leaves_nothing_behind() {
        let Some(found) = Found::look() else {
            eprintln!("no PostgreSQL here: nothing to test");
            return;
        };
        let log = std::env::temp_dir().join(format!("xtask-postgres-{}.log", std::process::id()));
        let cluster = Cluster::start(&found, &log).unwrap();
        let folder = cluster.folder.clone();
        let port: u16 = cluster.url().rsplit_once(':').unwrap().1.split('/').next().unwrap().parse().unwrap();
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        assert!(folder.join("data/PG_VERSION").exists());
        drop(cluster);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
        assert!(!folder.exists());
        let _ = fs::remove_file(log);
    }

    #[test]
    fn words_are_not_repeated() {
        assert_ne!(random_word().unwrap(), random_word().unwrap());
    }
}
