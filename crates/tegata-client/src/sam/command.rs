//! Profile commands: programs that print the members of a profile, so that its secrets stay where they are kept.
//!
//! No shell unless one is asked for, an end to waiting, and what went wrong is told.

use std::{io::IsTerminal as _, process::Stdio, time::Duration};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use zeroize::Zeroizing;

use super::members::Members;

/// Longest that a program may take if nothing else is said.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Longest output that is read, in bytes.
const MAX_OUTPUT: u64 = 256 * 1024;
/// Longest complaint of a program that is passed on, in bytes.
const MAX_COMPLAINT: u64 = 4 * 1024;

/// Splits a line into words as the vendor's program does: blanks divide, single quotes keep everything; in double quotes and outside, a
/// backslash keeps the next letter and makes tab and line end of `\t` and `\n`. Nothing is expanded.
///
/// What only a shell could mean is refused by name, where the vendor's program silently drops the rest of the line.
pub fn split(line: &str) -> Result<Vec<String>, String> {
    let escaped = |letter| match letter {
        't' => '\t',
        'n' => '\n',
        other => other,
    };
    let open = |quote| format!("a {quote} quote is never closed");
    let (mut words, mut word, mut begun) = (Vec::new(), String::new(), false);
    let mut rest = line.chars();
    while let Some(letter) = rest.next() {
        match letter {
            ' ' | '\t' | '\r' | '\n' => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            '\'' => loop {
                match rest.next().ok_or_else(|| open("single"))? {
                    '\'' => break,
                    kept => word.push(kept),
                }
            },
            '"' => loop {
                match rest.next().ok_or_else(|| open("double"))? {
                    '"' => break,
                    '\\' => word.push(escaped(rest.next().ok_or_else(|| open("double"))?)),
                    kept => word.push(kept),
                }
            },
            '\\' => word.push(escaped(rest.next().ok_or("it ends with a backslash")?)),
            '|' | '&' | ';' | '<' | '>' | '(' | ')' | '`' => {
                return Err(format!(
                    "an unquoted `{letter}` means something to a shell only, and none is used; quote it, name the shell \
                     (`/bin/sh -c '…'`), or say `\"shell\": true`"
                ));
            }
            kept => word.push(kept),
        }
        begun = true;
    }
    if begun {
        words.push(word);
    }
    if words.is_empty() { Err("it is empty".to_owned()) } else { Ok(words) }
}

/// A program to run, and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileCommand {
    words: Vec<String>,
    patience: Duration,
}

impl ProfileCommand {
    /// What a profile says: a line, or a list of words; `shell` gives the line to `/bin/sh`.
    pub fn of(members: &Members) -> Result<Option<Self>, String> {
        let shell = members.flag("shell")?;
        let words = match members.value("profileCommand") {
            None => return Ok(None),
            Some(serde_json::Value::String(line)) if line.is_empty() => return Ok(None),
            Some(serde_json::Value::String(line)) if shell => vec!["/bin/sh".to_owned(), "-c".to_owned(), line.clone()],
            Some(serde_json::Value::String(line)) => split(line).map_err(|problem| format!("`profileCommand`: {problem}"))?,
            Some(serde_json::Value::Array(list)) if !shell => {
                let words: Option<Vec<_>> = list.iter().map(|word| word.as_str().map(str::to_owned)).collect();
                words.filter(|words| !words.is_empty()).ok_or("`profileCommand` has to be a list of texts, the program first")?
            }
            Some(serde_json::Value::Array(_)) => return Err("`shell` goes with a line, not with a list of words".to_owned()),
            Some(_) => return Err("`profileCommand` has to be a line, or a list of words".to_owned()),
        };
        let patience = members.number("profileCommandTimeoutSeconds")?.map_or(PATIENCE, Duration::from_secs);
        Ok(Some(Self { words, patience }))
    }

    /// A line that was given by hand.
    pub fn line(line: &str) -> Result<Self, String> {
        Ok(Self { words: split(line)?, patience: PATIENCE })
    }

    /// The program and its arguments.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Runs it and reads what it printed: one JSON object. What it printed is never told.
    ///
    /// On a terminal it may ask there; otherwise its complaint is passed on if it fails.
    pub async fn run(&self) -> Result<Members, String> {
        let text = self.output().await?;
        let text = std::str::from_utf8(&text).map_err(|_| self.failed("what it printed is not UTF-8"))?;
        Members::read(text).map_err(|problem| self.failed(&format!("of what it printed: {problem}; it has to print one JSON object")))
    }

    /// Runs it; what it printed.
    pub async fn output(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let person = std::io::stdin().is_terminal();
        let program = self.words.first().map(String::as_str).unwrap_or_default();
        let mut command = tokio::process::Command::new(program);
        command.args(self.words.get(1..).unwrap_or_default()).stdout(Stdio::piped()).kill_on_drop(true);
        if person {
            // It may have to ask for what opens a safe.
            command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
        } else {
            // A group of its own, so that what it has started ends with it.
            command.stdin(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        }
        let mut child = command.spawn().map_err(|error| self.failed(&format!("it cannot be started: {error}")))?;
        let group = child.id().filter(|_| !person);
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let run = async {
            let (told, complaint) = tokio::join!(read(out, MAX_OUTPUT + 1), read(err, MAX_COMPLAINT));
            if told.len() as u64 > MAX_OUTPUT {
                return Err(self.failed("it printed more than 256 KiB"));
            }
            let status = child.wait().await.map_err(|error| self.failed(&error.to_string()))?;
            if status.success() {
                return Ok(told);
            }
            let complaint = String::from_utf8_lossy(&complaint);
            let said = complaint.trim();
            let said = if said.is_empty() { String::new() } else { format!(", saying: {said}") };
            Err(self.failed(&format!("it ended with {status}{said}")))
        };
        let done = tokio::time::timeout(self.patience, run).await;
        let late = || {
            let seconds = self.patience.as_secs();
            Err(self.failed(&format!("it took more than {seconds} seconds (`profileCommandTimeoutSeconds` allows more)")))
        };
        let done = done.unwrap_or_else(|_| late());
        if done.is_err()
            && let Some(group) = group.and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()))
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        done
    }

    fn failed(&self, problem: &str) -> String {
        format!("the profile command `{}` did not help: {problem}", self.words.first().map(String::as_str).unwrap_or_default())
    }
}

/// What comes out, up to `most` bytes; the rest is read and forgotten, so that the program can end.
async fn read(from: Option<impl AsyncRead + Unpin>, most: u64) -> Zeroizing<Vec<u8>> {
    let mut kept = Zeroizing::new(Vec::new());
    if let Some(mut from) = from {
        let _ = (&mut from).take(most).read_to_end(&mut kept).await;
        if (kept.len() as u64) < most {
            return kept;
        }
        if most < MAX_OUTPUT {
            let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn command(members: &serde_json::Value) -> Result<ProfileCommand, String> {
        ProfileCommand::of(&Members::read(&members.to_string()).unwrap()).map(Option::unwrap)
    }

    fn run(command: &ProfileCommand) -> Result<Members, String> {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(command.run())
    }

    #[test]
    fn lines_are_split_without_a_shell() {
        let words = split("/bin/x 'a \\n b' \"c \\\"d\\\" \\t$HOME\" e\\ f '' g'h'\"i\" '|' \"&;<>()\" \\| k\\n").unwrap();
        let expected = ["/bin/x", "a \\n b", "c \"d\" \t$HOME", "e f", "", "ghi", "|", "&;<>()", "|", "k\n"];
        assert_eq!(words, expected);
        for letter in ['|', '&', ';', '<', '>', '(', ')', '`'] {
            let told = split(&format!("op item get x {letter} jq .")).unwrap_err();
            assert!(told.contains(&format!("`{letter}`")) && told.contains("shell"), "{told}");
        }
        for wrong in ["", " \t", "a 'b", "a \"b", "a \"b\\", "a\\"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_command_is_a_line_or_a_list() {
        assert_eq!(command(&json!({"profileCommand": "op item get"})).unwrap().words(), ["op", "item", "get"]);
        assert_eq!(command(&json!({"PROFILECOMMAND": ["op", "a | b"]})).unwrap().words(), ["op", "a | b"]);
        assert_eq!(command(&json!({"profileCommand": "a | b", "shell": true})).unwrap().words(), ["/bin/sh", "-c", "a | b"]);
        for wrong in [
            json!({"profileCommand": "a | b"}),
            json!({"profileCommand": []}),
            json!({"profileCommand": [1]}),
            json!({"profileCommand": 1}),
        ] {
            assert!(command(&wrong).is_err(), "{wrong}");
        }
        assert!(command(&json!({"profileCommand": ["a"], "shell": true})).is_err());
    }

    #[test]
    fn what_a_program_prints_is_read_and_what_it_complains_is_passed_on() {
        let sh = |line: &str| command(&json!({"profileCommand": line, "shell": true, "profileCommandTimeoutSeconds": 2})).unwrap();
        let members = run(&sh(r#"echo '{"email":"a@b","password":"pw"}'"#)).unwrap();
        assert_eq!(members.text("email").unwrap(), Some("a@b"));
        let told = run(&sh("echo 'locked: sign in first' >&2; exit 3")).unwrap_err();
        assert!(told.contains("locked: sign in first") && told.contains('3'), "{told}");
        for (line, problem) in [
            ("true", "empty"),
            ("echo hunter2", "JSON"),
            (r#"echo '{"a":"hunter2"}{}'"#, "JSON"),
            ("head -c 300000 /dev/zero", "256 KiB"),
            ("sleep 30 | sleep 30", "more than 2 seconds"),
        ] {
            let told = run(&sh(line)).unwrap_err();
            assert!(told.contains(problem) && !told.contains("hunter2"), "{line}: {told}");
        }
        let missing = run(&command(&json!({"profileCommand": "/nowhere/op x"})).unwrap()).unwrap_err();
        assert!(missing.contains("/nowhere/op") && missing.contains("cannot be started"), "{missing}");
    }
}
