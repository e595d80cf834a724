//! The targets.

pub mod edge;
pub mod oidc;
pub mod policy;
pub mod sam;
pub mod signed;
pub mod text;
pub mod token;

use crate::Target;

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "policy_identity", run: policy::identity, corpus: |vectors| vectors.policies() },
    Target { name: "policy_trust", run: policy::trust, corpus: |vectors| vectors.policies() },
    Target { name: "glob", run: policy::glob, corpus: |_| policy::globs() },
    Target { name: "sam_permission", run: sam::permission, corpus: |_| sam::permissions() },
    Target { name: "sam_trust", run: sam::trust, corpus: |_| sam::trusts() },
    Target { name: "soracom", run: edge::soracom, corpus: |_| edge::sign_ins() },
    Target { name: "rpc", run: signed::rpc, corpus: |vectors| vectors.rpc() },
    Target { name: "acs3", run: signed::acs3, corpus: |vectors| vectors.acs3() },
    Target { name: "oss_v1", run: signed::oss_v1, corpus: |vectors| vectors.oss_v1() },
    Target { name: "oss_v4", run: signed::oss_v4, corpus: |vectors| vectors.oss_v4() },
    Target { name: "authorization", run: signed::authorization, corpus: |vectors| vectors.authorizations() },
    Target { name: "token", run: token::open, corpus: |_| token::tokens() },
    Target { name: "id_token", run: oidc::token, corpus: |_| oidc::tokens() },
    Target { name: "jwks", run: oidc::keys, corpus: |_| oidc::sets() },
    Target { name: "discovery", run: oidc::discovery, corpus: |_| oidc::documents() },
    Target { name: "issuer", run: edge::issuer, corpus: edge::calls },
    Target { name: "gateway", run: edge::gateway, corpus: edge::object_calls },
    Target { name: "xml", run: edge::xml, corpus: |_| edge::documents() },
    Target { name: "form", run: text::form, corpus: |_| text::forms() },
    Target { name: "timestamp", run: text::timestamp, corpus: |_| text::timestamps() },
    Target { name: "name", run: text::name, corpus: |_| text::names() },
    Target { name: "range", run: text::range, corpus: |_| text::ranges() },
];

/// Not one of them: it has a bug on purpose, so that a driver which finds nothing is found out.
pub const PLANTED: Target = Target { name: "planted", run: planted, corpus: |_| vec![b"key=value&other=thing".to_vec()] };

/// Breaks on an escape that is cut short, as a careless decoder would.
fn planted(input: &[u8]) {
    crate::deep();
    for (at, _) in input.iter().enumerate().filter(|(_, byte)| **byte == b'%') {
        assert!(input.len() > at + 2, "an escape is cut short");
    }
}

/// What an error says to a stranger: something, and not all of what was sent.
fn check_error(error: &dyn std::fmt::Display) {
    let text = error.to_string();
    assert!(!text.is_empty(), "an error says nothing");
    assert!(text.chars().count() <= 1200, "an error repeats {} characters", text.chars().count());
}
