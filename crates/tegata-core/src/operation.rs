//! Read, decide, one commit.
//!
//! > view → operation → change set → commit
//!
//! An operation decides on a view and never writes. [`Core::perform`] adds what was read, the caller's unspent proof and
//! the audit row, and commits all of it at once. If something read has changed since, the operation runs again on a fresh view.

use std::future::Future;

use tegata_model::Timestamp;
use tegata_store::{ChangeSet, Claim, CommitError, Step, replay};

use crate::{
    Core,
    actions::Action,
    audit::Entry,
    authn::lawful,
    caller::{Caller, Evidence},
    error::{AuthnFailure, OpError},
    resource::ResourceName,
    view::View,
};

/// One thing a principal can ask for: a noun with typed, already valid input.
pub trait Operation: Sync {
    /// The canonical action, also the name in the audit.
    const ACTION: Action;
    /// What success gives back.
    type Output: Send;

    /// What asking uses up, whatever comes of it: committed with the effect, or with the refusal.
    fn spends(&self, _now: Timestamp) -> Vec<Step> {
        Vec::new()
    }

    /// What it acts on, by name, for the audit.
    fn resource(&self, caller: &Caller) -> ResourceName;

    /// Reads and decides; may run again if what it read has changed before the commit. Never writes.
    fn decide(&self, view: &View<'_>, caller: &Caller) -> impl Future<Output = Result<Effect<Self::Output>, OpError>> + Send;
}

/// What an operation decided: its output, and what must be written with it.
#[derive(Debug)]
pub struct Effect<T> {
    pub(crate) output: T,
    pub(crate) changes: Option<ChangeSet>,
    pub(crate) entry: Entry,
    /// A claim of the change set that failed means this error.
    pub(crate) on_exists: Option<ResourceName>,
    /// What turns out to exist already was made meanwhile: decide again.
    pub(crate) again_if_exists: bool,
    /// Something that is used once was used by somebody else meanwhile: this error.
    pub(crate) on_used: Option<OpError>,
}

impl<T> Effect<T> {
    /// An answer that changes nothing and leaves no row.
    pub(crate) fn nothing(output: T) -> Self {
        Self { output, changes: None, entry: Entry::default(), on_exists: None, again_if_exists: false, on_used: None }
    }

    /// An answer that exists only together with its changes.
    pub(crate) fn with(output: T, changes: ChangeSet, entry: Entry) -> Self {
        Self { output, changes: Some(changes), entry, on_exists: None, again_if_exists: false, on_used: None }
    }

    /// A row that turns out to exist already means that this must be decided again.
    #[must_use]
    pub(crate) fn or_again(mut self) -> Self {
        self.again_if_exists = true;
        self
    }

    /// The same effect with another answer.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Effect<U> {
        let Self { output, changes, entry, on_exists, on_used, again_if_exists } = self;
        Effect { output: change(output), changes, entry, on_exists, on_used, again_if_exists }
    }

    /// The error for a row that turns out to exist already.
    #[must_use]
    pub(crate) fn or_exists(mut self, resource: ResourceName) -> Self {
        self.on_exists = Some(resource);
        self
    }

    /// The error for a one-time code that turns out to be used already.
    #[must_use]
    pub(crate) fn or_used(mut self, error: OpError) -> Self {
        self.on_used = Some(error);
        self
    }
}

/// How often an operation runs on fresh views before it gives up.
const ATTEMPTS: usize = 8;

impl Core {
    /// Performs an operation as `caller`: one durable commit if it has an effect or is refused, none otherwise.
    pub async fn perform<O: Operation>(&self, caller: &Caller, operation: &O) -> Result<O::Output, OpError> {
        let mut result = self.attempt(caller, operation).await;
        if let Err(error) = &mut result {
            self.record_refusal_with(caller, O::ACTION, &operation.resource(caller), error, operation.spends(self.now())).await;
            self.seal_reasons(caller, error);
        }
        result
    }

    async fn attempt<O: Operation>(&self, caller: &Caller, operation: &O) -> Result<O::Output, OpError> {
        let now = self.now();
        if let Evidence::Key(key) = &caller.evidence {
            self.uses.note(key, now, Some(O::ACTION));
        }
        for _ in 0..ATTEMPTS {
            // The caller was alive when authenticated. It is looked at again on each attempt, since a refused
            // expectation may mean that the caller's own key or role has just been taken back.
            let evidence = self.still_alive(&caller.evidence, now).await?;
            lawful(&evidence, caller.meta.source, now)?;
            let refreshed;
            let caller = if evidence.is(&caller.evidence) {
                caller
            } else {
                refreshed = caller.refreshed(evidence);
                &refreshed
            };
            let view = View::new(self, now);
            view.note(evidence_reads(&caller.evidence));
            let effect = operation.decide(&view, caller).await?;
            let Some(changes) = effect.changes else { return Ok(effect.output) };

            let mut commit = ChangeSet::new(now);
            commit.extend(view.expectations());
            self.spend(&mut commit, caller, now);
            commit.extend(operation.spends(now));
            commit.append(changes);
            commit.extend(self.recorder.effect(now, caller, O::ACTION, &operation.resource(caller), effect.entry));
            match self.store.commit(commit).await {
                Ok(()) => return Ok(effect.output),
                // A code that somebody else was quicker with: the next run finds it used, and says so.
                Err(CommitError::Changed | CommitError::Claimed(Claim::Code)) => {}
                Err(CommitError::Exists(_)) if effect.again_if_exists => {}
                Err(CommitError::Claimed(Claim::Nonce)) => return Err(OpError::Authentication(AuthnFailure::Replayed)),
                Err(CommitError::Claimed(Claim::OtpStep)) => return Err(effect.on_used.unwrap_or(OpError::Conflict)),
                Err(CommitError::Claimed(other)) => return Err(OpError::internal(format!("an unexpected claim failed: {other:?}"))),
                Err(CommitError::Exists(what)) => {
                    return Err(effect.on_exists.map_or_else(|| OpError::internal(format!("{what} exists unexpectedly")), OpError::Exists));
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(OpError::Conflict)
    }

    /// Decides without effect, without a row for success: the check before the first byte of a body is read.
    pub(crate) async fn check<O: Operation>(&self, caller: &Caller, operation: &O) -> Result<(), OpError> {
        let now = self.now();
        let result = async {
            let evidence = self.still_alive(&caller.evidence, now).await?;
            lawful(&evidence, caller.meta.source, now)?;
            let refreshed;
            let caller = if evidence.is(&caller.evidence) {
                caller
            } else {
                refreshed = caller.refreshed(evidence);
                &refreshed
            };
            operation.decide(&View::new(self, now), caller).await.map(drop)
        };
        let mut result = result.await;
        if let Err(error) = &mut result {
            self.record_refusal_with(caller, O::ACTION, &operation.resource(caller), error, operation.spends(self.now())).await;
            self.seal_reasons(caller, error);
        }
        result
    }

    /// Claims the caller's proof, if it is not spent yet.
    pub(crate) fn spend(&self, commit: &mut ChangeSet, caller: &Caller, now: Timestamp) {
        if let Some(unspent) = caller.unspent {
            commit.push(replay::claim(unspent.nonce, now.plus(self.limits.nonce_memory)));
        }
    }

    /// A refusal of a known caller: its own row, with the proof spent. Beyond the budget of its principal it is counted.
    pub(crate) async fn record_refusal(&self, caller: &Caller, action: Action, resource: &ResourceName, error: &OpError) {
        self.record_refusal_with(caller, action, resource, error, Vec::new()).await;
    }

    /// The same, with what was used up besides the proof.
    async fn record_refusal_with(&self, caller: &Caller, action: Action, resource: &ResourceName, error: &OpError, spends: Vec<Step>) {
        let now = self.now();
        match error {
            // A fault of ours is no refusal, and a replayed request must not spend or record anything again.
            // An absent object or an unmet condition answers a question; it refuses nobody anything.
            OpError::Internal(_)
            | OpError::Authentication(AuthnFailure::Replayed)
            | OpError::Throttled(_)
            | OpError::Conflict
            | OpError::Precondition(_)
            | OpError::NotFound(ResourceName::Object { .. }) => return,
            OpError::Denied(_)
            | OpError::Authentication(_)
            | OpError::NotFound(_)
            | OpError::Exists(_)
            | OpError::NotEmpty(_)
            | OpError::InUse(..)
            | OpError::LimitExceeded(..)
            | OpError::Invalid(_)
            | OpError::Organisation(_)
            | OpError::Grant(_) => {}
        }
        let mut commit = ChangeSet::new(now);
        self.spend(&mut commit, caller, now);
        commit.extend(spends);
        if let Some(row) = self.recorder.refusal(now, caller, action, resource, error) {
            commit.push(row);
        }
        if commit.is_empty() {
            return;
        }
        match self.store.commit(commit).await {
            Ok(()) | Err(CommitError::Claimed(_)) => {}
            Err(failure) => tracing::error!(request = %caller.meta.id, error = %failure, "a refusal could not be recorded"),
        }
    }
}

fn evidence_reads(evidence: &Evidence) -> &[crate::view::Read] {
    match evidence {
        Evidence::Client { client, .. } => &client.principal.reads,
        Evidence::Access(access) => &access.reads,
        Evidence::Browser(browser) => &browser.reads,
        Evidence::Org(org) => &org.reads,
        Evidence::Key(key) => &key.reads,
        Evidence::Session(session) => &session.reads,
        Evidence::Token(token) => &token.provider.reads,
    }
}
