//! What pages say: one catalogue per language, each with the same keys.

use std::{collections::HashMap, sync::LazyLock};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};

/// Remembers which language was chosen.
pub(crate) const LANGUAGE_COOKIE: &str = "lang";

/// A language that pages can be read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    /// English.
    English,
    /// Japanese.
    Japanese,
}

impl Language {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Japanese];

    /// The code of BCP 47, `en` or `ja`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }

    /// What its readers call it.
    pub(crate) fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Japanese => "日本語",
        }
    }

    /// The one that is offered on a page in this one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::English => Self::Japanese,
            Self::Japanese => Self::English,
        }
    }

    /// The language of that code.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The language that a browser likes best, by `Accept-Language` (RFC 9110 §12.5.4); English where it likes neither.
    pub(crate) fn preferred(accept: &str) -> Self {
        let mut best: Option<(Self, f32)> = None;
        for range in accept.split(',').take(32) {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let quality = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f32);
            let Some(language) = Self::of_code(tag.split('-').next().unwrap_or_default()) else { continue };
            if quality > 0.0 && best.is_none_or(|(_, found)| quality > found) {
                best = Some((language, quality));
            }
        }
        best.map_or(Self::English, |(language, _)| language)
    }

    pub(super) fn source(self) -> &'static str {
        match self {
            Self::English => include_str!("texts/en.ftl"),
            Self::Japanese => include_str!("texts/ja.ftl"),
        }
    }
}

static CATALOGUES: LazyLock<HashMap<Language, FluentBundle<FluentResource>>> =
    LazyLock::new(|| Language::ALL.into_iter().map(|language| (language, catalogue(language))).collect());

fn catalogue(language: Language) -> FluentBundle<FluentResource> {
    // A test reads both catalogues without an error; what could not be read would show as its key.
    let resource = FluentResource::try_new(language.source().to_owned()).unwrap_or_else(|(partial, errors)| {
        tracing::error!(language = language.code(), ?errors, "a catalogue has faults");
        partial
    });
    let mut bundle = FluentBundle::new_concurrent(language.code().parse().into_iter().collect());
    // Invisible direction marks around names would be copied with them.
    bundle.set_use_isolating(false);
    if let Err(errors) = bundle.add_resource(resource) {
        tracing::error!(language = language.code(), ?errors, "a catalogue has a key twice");
    }
    bundle
}

/// The texts in one language, as templates use them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts {
    language: Language,
}

impl Texts {
    /// The texts in that language.
    pub(crate) fn new(language: Language) -> Self {
        Self { language }
    }

    /// The language itself.
    pub(crate) fn language(self) -> Language {
        self.language
    }

    /// A text. A key that nobody wrote shows as itself, which a test would have found.
    pub(crate) fn say(self, key: &str) -> String {
        self.spoken(key, None)
    }

    /// A text with one thing filled in.
    pub(crate) fn say1(self, key: &str, name: &str, value: &str) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set(name, FluentValue::from(value));
        self.spoken(key, Some(&arguments))
    }

    /// A text with two things filled in.
    pub(crate) fn say2(self, key: &str, name: &str, value: &str, other: &str, its_value: &str) -> String {
        let mut arguments = FluentArgs::new();
        for (name, value) in [(name, value), (other, its_value)] {
            arguments.set(name, FluentValue::from(value));
        }
        self.spoken(key, Some(&arguments))
    }

    /// A text with a number filled in.
    #[expect(dead_code, reason = "for pages that count minutes and tries; none does yet")]
    pub(crate) fn count(self, key: &str, number: u64) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set("count", FluentValue::from(number));
        self.spoken(key, Some(&arguments))
    }

    /// What a scope allows, in words; an unknown scope shows as itself.
    pub(crate) fn scope(self, scope: &str) -> String {
        let key = match scope {
            "openid" => "scope-openid",
            "aliuid" => "scope-aliuid",
            "profile" => "scope-profile",
            "offline_access" => "scope-offline",
            "/internal/ram/usersts" => "scope-usersts",
            other => return other.to_owned(),
        };
        self.say(key)
    }

    fn spoken(self, key: &str, arguments: Option<&FluentArgs<'_>>) -> String {
        let pattern = CATALOGUES.get(&self.language).and_then(|bundle| Some((bundle, bundle.get_message(key)?.value()?)));
        let Some((bundle, pattern)) = pattern else { return key.to_owned() };
        bundle.format_pattern(pattern, arguments, &mut Vec::new()).into_owned()
    }
}
