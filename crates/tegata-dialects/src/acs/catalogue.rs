//! What this wire offers, as data: the name of every operation, what it does, and its parameters. The command line, its
//! completions and the reference pages are made of it.

use super::{ask::Entry, ims, own, ram, sts};

/// A part of this wire with a version of its own. Requests are told apart by the version alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// Temporary credentials.
    Sts,
    /// Users, groups, roles and policies.
    Ram,
    /// Identities in the newer spelling, and identity providers.
    Ims,
    /// What this server adds.
    Own,
}

impl Product {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sts, Self::Ram, Self::Ims, Self::Own];

    /// How people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Ram => "ram",
            Self::Ims => "ims",
            Self::Own => "tegata",
        }
    }

    /// The `Version` that requests carry.
    pub fn version(self) -> &'static str {
        match self {
            Self::Sts => "2015-04-01",
            Self::Ram => "2015-05-01",
            Self::Ims => "2019-08-15",
            Self::Own => "2026-11-01",
        }
    }

    /// The product of that version.
    pub(crate) fn of_version(version: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|product| product.version() == version)
    }

    /// The tables of its operations, in the order in which they are shown.
    pub(crate) fn tables(self) -> &'static [&'static [Entry]] {
        match self {
            Self::Sts => sts::TABLES,
            Self::Ram => ram::TABLES,
            Self::Ims => ims::TABLES,
            Self::Own => own::TABLES,
        }
    }

    /// Its operations.
    pub(crate) fn entries(self) -> impl Iterator<Item = &'static Entry> {
        self.tables().iter().copied().flatten()
    }
}

/// One operation.
#[derive(Debug, Clone, Copy)]
pub struct OperationSpec {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it does, in a few words without a full stop.
    pub summary: &'static str,
    /// What it can be given.
    pub parameters: &'static [Parameter],
}

/// One parameter of an operation.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether the operation is refused without it.
    pub required: bool,
    /// What it holds.
    pub kind: Kind,
}

/// What a parameter holds: how a command line reads it, and what it could offer for completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A long text that people keep in a file: a policy or another document.
    Document,
    /// A text that must not stand in a shell's history.
    Secret,
    /// Several `Key`/`Value` pairs, as JSON text or flattened.
    Tags,
    /// The name of an existing user.
    User,
    /// The sign-in name of an existing user, `name@alias.domain`.
    Principal,
    /// The name of an existing group.
    Group,
    /// The name of an existing role.
    Role,
    /// The ARN of a role.
    RoleArn,
    /// The name of an existing policy.
    Policy,
    /// The id of an existing long-term access key.
    AccessKey,
    /// The serial number of an existing device for one-time codes.
    MfaDevice,
    /// The name of an existing identity provider.
    OidcProvider,
    /// The id of a session.
    Session,
}

/// A parameter that must be there.
pub(crate) const fn need(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, required: true, kind }
}

/// A parameter that may be absent.
pub(crate) const fn may(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, required: false, kind }
}

/// The types of policies.
pub(crate) const POLICY_TYPES: Kind = Kind::Word(&["Custom", "System"]);

/// Where a list begins.
pub(crate) const MARKER: Parameter = may("Marker", Kind::Text);

/// How much of a list is asked for.
pub(crate) const MAX_ITEMS: Parameter = may("MaxItems", Kind::Number);

/// Every operation that is offered, product by product.
pub fn catalogue() -> impl Iterator<Item = (Product, &'static OperationSpec)> {
    Product::ALL.into_iter().flat_map(|product| product.entries().map(move |entry| (product, &entry.spec)))
}
