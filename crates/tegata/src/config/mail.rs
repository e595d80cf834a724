//! `[mail]`: the server that letters are given to.

use std::{net::IpAddr, path::PathBuf};

use tegata_core::mail::Language;

use super::{
    SecretText,
    raw::RawMail,
    resolve::{Origin, Work, shown},
};

/// The server that takes letters, and how it is spoken to.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// Its host name or address.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// How the connection is protected.
    pub(crate) tls: MailTls,
    /// Authorities (PEM) that are trusted besides the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Name and password, where the server asks for them.
    pub(crate) credentials: Option<(String, SecretText)>,
    /// Who the letters are from: `name@example.com`, or `Name <name@example.com>`.
    pub(crate) from: String,
    /// In which language people are written to that have not said which.
    pub(crate) language: Language,
}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailTls {
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// TLS once the server was asked for it (RFC 3207); without it nothing is sent.
    Starttls,
    /// None.
    Plain,
}

impl MailTls {
    const NAMES: [(&'static str, Self); 3] = [("implicit", Self::Implicit), ("starttls", Self::Starttls), ("none", Self::Plain)];

    /// As it is written.
    pub(crate) fn word(self) -> &'static str {
        Self::NAMES.iter().find(|(_, tls)| *tls == self).map_or("", |(word, _)| *word)
    }
}

const LANGUAGES: [(&str, Language); 3] = [("en", Language::English), ("ja", Language::Japanese), ("both", Language::Both)];

/// As a language is written.
pub(crate) fn language_word(language: Language) -> &'static str {
    LANGUAGES.iter().find(|(_, known)| *known == language).map_or("", |(word, _)| *word)
}

impl Work {
    /// The server of letters, if one is named.
    pub(super) fn mail(&mut self, raw: RawMail) -> Option<Mail> {
        let RawMail { host, port, tls, user, password_file, ca_file, from, language } = raw;
        let given = [
            ("mail.port", port.is_some()),
            ("mail.tls", tls.is_some()),
            ("mail.user", user.is_some()),
            ("mail.password_file", password_file.is_some()),
            ("mail.ca_file", ca_file.is_some()),
            ("mail.from", from.is_some()),
            ("mail.language", language.is_some()),
            ("mail.host", host.is_some()),
        ];
        for (key, _) in given.into_iter().filter(|(_, given)| *given) {
            self.came(key, Origin::File);
        }
        let Some(host) = host else {
            if let Some((key, _)) = given.into_iter().find(|(_, given)| *given) {
                self.problem("mail.host", format!("is needed beside `{key}`"));
            }
            return None;
        };
        if super::host_name(&host).is_none() && host.parse::<IpAddr>().is_err() {
            self.problem("mail.host", format!("expected a host name or an address without port, found `{}`", shown(&host)));
        }
        let tls = tls.map(|text| (MailTls::NAMES.into_iter().find(|(word, _)| *word == text).map(|(_, tls)| tls), text));
        let tls = match tls {
            None => None,
            Some((Some(tls), _)) => Some(tls),
            Some((None, text)) => {
                self.problem("mail.tls", format!("expected one of implicit, starttls, none, found `{}`", shown(&text)));
                None
            }
        };
        let usual = if tls == Some(MailTls::Implicit) { 465 } else { 587 };
        let port = self.limit("mail.port", port, 1, 65_535, usual);
        let port = u16::try_from(port).unwrap_or(587);
        let tls = tls.unwrap_or(if port == 465 { MailTls::Implicit } else { MailTls::Starttls });
        let near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if tls == MailTls::Plain && !near {
            self.problem("mail.tls", "without TLS letters go to this machine only: whoever reads a letter on its way can use its link");
        }
        let password = password_file.and_then(|path| self.password(&path));
        let credentials = match (user, password) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            (Some(_), None) => {
                if self.origins_of("mail.password_file") != Origin::File {
                    self.problem("mail.password_file", "is needed beside `mail.user`");
                }
                None
            }
            (None, Some(_)) => {
                self.problem("mail.user", "is needed beside `mail.password_file`");
                None
            }
        };
        let ca_file = ca_file.map(|path| self.path(&path));
        let from = from.unwrap_or_else(|| {
            self.problem("mail.from", "is needed: the address that letters are from, such as `tegata <no-reply@example.com>`");
            String::new()
        });
        let language = language.map_or(Language::Both, |text| {
            let known = LANGUAGES.into_iter().find(|(word, _)| *word == text).map(|(_, language)| language);
            if known.is_none() {
                self.problem("mail.language", format!("expected one of en, ja, both, found `{}`", shown(&text)));
            }
            known.unwrap_or(Language::Both)
        });
        let mail = Mail { host, port, tls, ca_file, credentials, from, language };
        if !mail.from.is_empty()
            && let Err(problem) = crate::mail::check_from(&mail.from)
        {
            self.problem("mail.from", problem);
        }
        Some(mail)
    }

    fn password(&mut self, path: &str) -> Option<SecretText> {
        let path = self.path(path);
        match std::fs::read_to_string(&path) {
            Ok(text) => Some(SecretText::new(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(error) => {
                self.problem("mail.password_file", format!("`{}` cannot be read: {error}", path.display()));
                None
            }
        }
    }
}
