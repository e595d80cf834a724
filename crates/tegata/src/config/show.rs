//! `config show`: what is in force, as TOML with the origin of each value, and no secret.

use std::fmt::Write as _;

use super::{Config, Database, MasterKeySource, database::without_password, language_word};
use crate::serve::Names;

/// Writes the configuration for people; pasted into a file it means the same (but for redacted values).
pub(crate) fn show(config: &Config) -> String {
    let mut page = Page { text: String::new(), config };
    let limits = &config.limits;
    let names = Names::configured(config);
    page.line("data", "data", Some(text(&config.data.display().to_string())));
    page.line("blobs", "blobs", Some(text(&config.blobs.display().to_string())));
    let database = match &config.database {
        Database::Sqlite => text("sqlite"),
        Database::Postgres { url, .. } => text(&without_password(url.expose())),
    };
    page.line("database", "database", Some(database));
    if let Database::Postgres { ca_file, .. } = &config.database {
        page.line("database_password_file", "database_password_file", None);
        page.line("database_ca_file", "database_ca_file", ca_file.as_ref().map(|path| text(&path.display().to_string())));
    }
    match &config.master_key {
        MasterKeySource::File(path) => page.line("master_key_file", "master_key_file", Some(text(&path.display().to_string()))),
        MasterKeySource::Environment(_) => page.line("master_key_file", "master_key_file", None),
    }
    page.line("trusted_proxies", "trusted_proxies", Some(list(config.trusted_proxies.iter().map(ToString::to_string))));

    let services = config.services.all().iter().map(|service| format!("{} = {}", text(&service.name), list(service.roles.iter().cloned())));
    let services: Vec<String> = services.collect();
    page.line("services", "services", Some(if services.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", services.join(", ")) }));
    let mapped =
        config.role_policies.all().map(|(role, policies)| format!("{} = {}", text(role), list(policies.iter().map(ToString::to_string))));
    let mapped: Vec<String> = mapped.collect();
    page.line(
        "role_policies",
        "role_policies",
        Some(if mapped.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", mapped.join(", ")) }),
    );

    page.table("http");
    page.line("http.listen", "listen", Some(text(&config.http.listen.to_string())));
    page.line("http.public_url", "public_url", Some(text(&names.issuer)));

    page.table("oss");
    page.line("oss.listen", "listen", Some(text(&config.oss.listen.to_string())));
    page.line("oss.public_host", "public_host", Some(text(&names.oss_host)));
    page.line("oss.suffixes", "suffixes", Some(list(config.oss.addressing.suffixes.iter().cloned())));
    let cnames: Vec<String> =
        config.oss.addressing.cnames.iter().map(|(host, bucket)| format!("{} = {}", text(host), text(bucket))).collect();
    page.line("oss.cnames", "cnames", Some(if cnames.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", cnames.join(", ")) }));
    page.line("oss.region", "region", Some(text(&config.oss.addressing.region)));

    page.table("tls");
    page.line("tls.certificate_file", "certificate_file", config.tls.as_ref().map(|tls| text(&tls.certificate.display().to_string())));
    page.line("tls.key_file", "key_file", config.tls.as_ref().map(|tls| text(&tls.key.display().to_string())));

    page.table("metrics");
    page.line("metrics.listen", "listen", config.metrics.map(|address| text(&address.to_string())));

    page.table("outbound");
    page.line("outbound.private", "private", Some(list(config.outbound.private.iter().map(ToString::to_string))));
    page.line("outbound.ca_file", "ca_file", config.outbound.ca_file.as_ref().map(|path| text(&path.display().to_string())));
    page.line("outbound.insecure_issuers", "insecure_issuers", Some(limits.insecure_issuers.to_string()));

    page.table("mail");
    let mail = config.mail.as_ref();
    page.line("mail.host", "host", mail.map(|mail| text(&mail.host)));
    page.line("mail.port", "port", mail.map(|mail| mail.port.to_string()));
    page.line("mail.tls", "tls", mail.map(|mail| text(mail.tls.word())));
    page.line("mail.user", "user", mail.and_then(|mail| mail.credentials.as_ref()).map(|(user, _)| text(user)));
    page.line("mail.password_file", "password_file", None);
    page.line("mail.ca_file", "ca_file", mail.and_then(|mail| mail.ca_file.as_ref()).map(|path| text(&path.display().to_string())));
    page.line("mail.from", "from", mail.map(|mail| text(&mail.from)));
    page.line("mail.language", "language", mail.map(|mail| text(language_word(mail.language))));

    page.table("log");
    page.line("log.level", "level", Some(text(&config.log.level.to_string())));
    page.line("log.format", "format", Some(text(&config.log.format.to_string())));

    page.table("limits");
    for (key, value) in [
        ("limits.clock_skew_seconds", limits.clock_skew.as_secs().to_string()),
        ("limits.presigned_url_seconds", limits.presigned_url.as_secs().to_string()),
        ("limits.root_deadline_seconds", limits.root_deadline.as_secs().to_string()),
        ("limits.chain_depth", limits.chain_depth.to_string()),
        ("limits.session_policy_chars", limits.session_policy_chars.to_string()),
        ("limits.object_bytes", limits.object_bytes.to_string()),
        ("limits.refusal_rows_per_minute", limits.refusal_rows_per_minute.to_string()),
        ("limits.issuer_keys_refresh_seconds", limits.issuer_keys_refresh.as_secs().to_string()),
        ("limits.issuer_keys_outage_seconds", limits.issuer_keys_outage.as_secs().to_string()),
        ("limits.passwords_at_once", limits.hashing.at_once.to_string()),
        ("limits.connections", config.connections.most.to_string()),
        ("limits.head_seconds", config.connections.head.as_secs().to_string()),
    ] {
        page.line(key, key.rsplit('.').next().unwrap_or(key), Some(value));
    }

    page.table("quotas");
    let quotas = &limits.quotas;
    for (key, value) in [
        ("quotas.users", quotas.users.to_string()),
        ("quotas.keys_per_user", quotas.keys_per_user.to_string()),
        ("quotas.auth_keys_per_user", quotas.auth_keys_per_user.to_string()),
        ("quotas.groups", quotas.groups.to_string()),
        ("quotas.groups_per_user", quotas.groups_per_user.to_string()),
        ("quotas.roles", quotas.roles.to_string()),
        ("quotas.policies", quotas.policies.to_string()),
        ("quotas.versions_per_policy", quotas.versions_per_policy.to_string()),
        ("quotas.document_chars", quotas.document_chars.to_string()),
        ("quotas.policies_per_user", quotas.policies_per_user.to_string()),
        ("quotas.policies_per_group", quotas.policies_per_group.to_string()),
        ("quotas.policies_per_role", quotas.policies_per_role.to_string()),
        ("quotas.system_policies", quotas.system_policies.to_string()),
        ("quotas.mfa_devices", quotas.mfa_devices.to_string()),
        ("quotas.api_tokens_per_user", quotas.api_tokens_per_user.to_string()),
        ("quotas.tags_per_resource", quotas.tags_per_resource.to_string()),
        ("quotas.oidc_providers", quotas.oidc_providers.to_string()),
        ("quotas.clients", quotas.clients.to_string()),
        ("quotas.secrets_per_client", quotas.secrets_per_client.to_string()),
        ("quotas.assignments", quotas.assignments.to_string()),
    ] {
        page.line(key, key.rsplit('.').next().unwrap_or(key), Some(value));
    }
    page.text
}

struct Page<'a> {
    text: String,
    config: &'a Config,
}

impl Page<'_> {
    fn table(&mut self, name: &str) {
        let _ = writeln!(self.text, "\n[{name}]");
    }

    /// A key without a value is shown as a comment, so that the page lists every key there is.
    fn line(&mut self, path: &str, key: &str, value: Option<String>) {
        let origin = self.config.origins.of(path);
        let assignment = match value {
            Some(value) => format!("{key} = {value}"),
            None => format!("# {key} ="),
        };
        let _ = writeln!(self.text, "{assignment:<46}  # {origin}");
    }
}

/// A TOML basic string. Paths and names hold no more than quotes, backslashes and, at worst, control characters.
fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn list(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.map(|value| text(&value)).collect::<Vec<_>>().join(", "))
}
