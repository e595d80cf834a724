//! Patterns for actions and resources, folded and split when the policy is compiled.

use crate::{glob::Glob, request::Facts};

/// `*`, or `<service>:<name>` with wildcards in both parts. Compared without case.
#[derive(Debug, Clone)]
pub(crate) enum ActionPattern {
    Any,
    Named { service: Glob, name: Glob },
}

impl ActionPattern {
    /// `None` if the text is not an action pattern.
    pub(crate) fn new(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        let folded = text.to_ascii_lowercase();
        let (service, name) = folded.split_once(':')?;
        let good = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        (good(service) && good(name)).then(|| Self::Named { service: Glob::new(service), name: Glob::new(name) })
    }

    /// A service and a pattern for the name, which may be anything.
    pub(crate) fn of_service(service: &str, name: &str) -> Self {
        Self::Named { service: Glob::new(&service.to_ascii_lowercase()), name: Glob::new(&name.to_ascii_lowercase()) }
    }

    pub(crate) fn matches(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Named { service, name } => {
                let is = |action: (&str, &str)| service.matches(action.0) && name.matches(action.1);
                is(facts.action) || facts.alias.is_some_and(is)
            }
        }
    }
}

/// `*`, or five segments compared one by one: a star never leaves its segment, and crosses `/` and `:` only in
/// the last.
#[derive(Debug, Clone)]
pub(crate) enum ResourcePattern {
    Any,
    /// Fewer than five segments: matches nothing.
    Never,
    Segments(Box<Segments>),
}

#[derive(Debug, Clone)]
pub(crate) struct Segments {
    service: Glob,
    region: Glob,
    account: Glob,
    relative: Glob,
}

impl ResourcePattern {
    /// `None` if the text is empty or names another scheme than `acs`.
    pub(crate) fn new(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        let mut parts = text.splitn(5, ':');
        let head = parts.next().filter(|head| !head.is_empty())?;
        let (Some(service), Some(region), Some(account), Some(relative)) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Some(Self::Never);
        };
        let or_any = |segment: &str| if segment.is_empty() { Glob::Any } else { Glob::new(segment) };
        Glob::new(&head.to_ascii_lowercase()).matches("acs").then(|| {
            Self::Segments(Box::new(Segments {
                service: Glob::new(&service.to_ascii_lowercase()),
                region: or_any(region),
                account: or_any(account),
                relative: Glob::new(relative),
            }))
        })
    }

    /// Only the last segment counts.
    pub(crate) fn relative(pattern: &str) -> Self {
        let relative = Glob::new(pattern);
        Self::Segments(Box::new(Segments { service: Glob::Any, region: Glob::Any, account: Glob::Any, relative }))
    }

    pub(crate) fn matches(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Never => false,
            Self::Segments(wanted) => {
                let seen = &facts.resource;
                wanted.service.matches(seen.service)
                    && wanted.relative.matches(seen.relative)
                    && wanted.account.matches(seen.account)
                    && wanted.region.matches(seen.region)
            }
        }
    }
}
