//! Runs targets on mutated inputs for a while, on the stable toolchain.

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex, Once, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Target,
    corpus::Vectors,
    deep_so_far,
    dump::Dump,
    mutate::{Rng, mutated},
};

/// An input that takes longer is a finding, also when it ends.
const SLOW: Duration = Duration::from_secs(5);

/// Most inputs in a pool, and the longest one that is kept in it.
const KEPT: usize = 512;
const KEPT_LENGTH: usize = 8 * 1024;

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long, for all targets together. Every input of the corpus runs once however short this is.
    pub time: Duration,
    /// Where the mutations begin.
    pub seed: u64,
    /// The folder for findings.
    pub findings: PathBuf,
}

/// What became of one target.
#[derive(Debug)]
pub struct Ran {
    /// Its name.
    pub target: &'static str,
    /// How many inputs it was given.
    pub executions: u64,
    /// How many of them got past the parser.
    pub deep: u64,
    /// What is wrong; `None` if nothing is.
    pub problem: Option<Problem>,
}

/// What is wrong with a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// A promise was broken: what was said, and the file with the input.
    Broken {
        /// What the panic said.
        said: String,
        /// The file, or why there is none.
        file: Result<PathBuf, String>,
    },
    /// No input of its corpus gets past its parser, so that it checks next to nothing.
    Shallow,
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs every target for its share of the time, each with the same seed, and tells what became of it.
pub fn run(targets: &[Target], vectors: &Vectors, options: &Options) -> Vec<Ran> {
    let watch = Watch::start(options.findings.clone());
    let share = options.time / u32::try_from(targets.len()).unwrap_or(u32::MAX).max(1);
    quietly(|| targets.iter().map(|target| run_one(target, vectors, share, options, &watch)).collect())
}

/// Runs one target on one input; what it said if a promise is broken.
pub fn replay(target: &Target, input: &[u8]) -> Result<(), String> {
    quietly(|| execute(target, input))
}

fn run_one(target: &Target, vectors: &Vectors, share: Duration, options: &Options, watch: &Watch) -> Ran {
    let before = deep_so_far();
    let mut ran = Ran { target: target.name, executions: 0, deep: 0, problem: None };
    // A corpus that cannot be made is an empty one, which is a finding below.
    let corpus = panic::catch_unwind(AssertUnwindSafe(|| (target.corpus)(vectors))).unwrap_or_default();
    let try_one = |ran: &mut Ran, input: Vec<u8>| {
        ran.executions += 1;
        let began = watch.begin(target.name, &input);
        let mut outcome = execute(target, &input);
        let took = began.elapsed();
        watch.end();
        if outcome.is_ok() && took > SLOW {
            outcome = Err(format!("took {} ms", took.as_millis()));
        }
        if let Err(said) = outcome {
            let file = Dump { target: target.name.to_owned(), problem: said.clone(), input }.write(&options.findings);
            ran.problem = Some(Problem::Broken { said, file });
        }
    };
    for input in &corpus {
        if ran.problem.is_none() {
            try_one(&mut ran, input.clone());
        }
    }
    if ran.problem.is_none() && deep_so_far() == before {
        ran.problem = Some(Problem::Shallow);
    }
    let mut rng = Rng::new(options.seed);
    // What got past the parser is worth changing further.
    let mut pool = Vec::new();
    let began = Instant::now();
    while ran.problem.is_none() && began.elapsed() < share {
        // The clock is read once for several inputs: some targets take a microsecond.
        for _ in 0..16 {
            if ran.problem.is_none() {
                // The inputs to begin with keep half of the time to themselves, however many others there are by now.
                let from = if pool.is_empty() || rng.below(2) == 0 { &corpus } else { &pool };
                let input = mutated(&mut rng, from);
                let before = deep_so_far();
                try_one(&mut ran, input.clone());
                if deep_so_far() != before && input.len() <= KEPT_LENGTH {
                    keep(&mut rng, &mut pool, input);
                }
            }
        }
    }
    ran.deep = deep_so_far().wrapping_sub(before);
    ran
}

/// Adds an input to the pool; once that is full, in the place of another.
fn keep(rng: &mut Rng, pool: &mut Vec<Vec<u8>>, input: Vec<u8>) {
    if pool.len() < KEPT {
        pool.push(input);
    } else if let Some(place) = pool.get_mut(rng.below(KEPT)) {
        *place = input;
    }
}

fn execute(target: &Target, input: &[u8]) -> Result<(), String> {
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    outcome.map_err(|_| SAID.with(RefCell::take).unwrap_or_else(|| "a panic without words".to_owned()))
}

/// Runs `work` with this thread's panics noted instead of printed.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if QUIET.with(Cell::get) {
                SAID.with(|said| *said.borrow_mut() = Some(info.to_string()));
            } else {
                before(info);
            }
        }));
    });
    QUIET.with(|quiet| quiet.set(true));
    let out = work();
    QUIET.with(|quiet| quiet.set(false));
    out
}

/// What runs now, and since when.
type Running = Arc<Mutex<Option<(&'static str, Vec<u8>, Instant)>>>;

/// Ends the process if one input runs forever, which nothing inside it could.
struct Watch(Running);

impl Watch {
    fn start(findings: PathBuf) -> Self {
        let running: Running = Arc::default();
        let seen = Arc::downgrade(&running);
        thread::spawn(move || {
            while let Some(running) = seen.upgrade() {
                let stuck = match &*running.lock().unwrap_or_else(PoisonError::into_inner) {
                    Some((target, input, since)) if since.elapsed() > 2 * SLOW => Some((*target, input.clone())),
                    _ => None,
                };
                if let Some((target, input)) = stuck {
                    end(target, input, &findings);
                }
                drop(running);
                thread::sleep(Duration::from_millis(100));
            }
        });
        Self(running)
    }

    fn begin(&self, target: &'static str, input: &[u8]) -> Instant {
        let now = Instant::now();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((target, input.to_vec(), now));
        now
    }

    fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[expect(clippy::print_stderr, reason = "the process is about to end, and nobody else will say why")]
fn end(target: &'static str, input: Vec<u8>, findings: &Path) -> ! {
    let said = format!("does not end within {} s", 2 * SLOW.as_secs());
    let dump = Dump { target: target.to_owned(), problem: said.clone(), input };
    match dump.write(findings) {
        Ok(file) => eprintln!("{target}: {said}; the input is in {}", file.display()),
        Err(problem) => eprintln!("{target}: {said}; {problem}"),
    }
    process::exit(1)
}
