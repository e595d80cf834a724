//! Tags of roles and policies.
//!
//! Newer clients send `Tag`, `ResourceNames` and `TagKeys` as one JSON text each, older ones flat: `Tag.1.Key`, `ResourceNames.1`.

use tegata_core::directory::{ListTagResources, Tag, TagResources, Taggable, TaggableKind, TaggedResource, UntagResources};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, text},
    catalogue::{Kind, Parameter, may, need},
    error::AcsError,
    reply::Tree,
};

const RESOURCE_TYPE: Parameter = need("ResourceType", Kind::Word(&["role", "policy"]));

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "TagResources",
        "Put tags on roles or policies",
        tag,
        [RESOURCE_TYPE, need("ResourceNames", Kind::Text), need("Tag", Kind::Tags)]
    ),
    entry!(
        "UntagResources",
        "Take tags off roles or policies",
        untag,
        [RESOURCE_TYPE, need("ResourceNames", Kind::Text), may("TagKeys", Kind::Text), may("All", Kind::Flag)]
    ),
    entry!(
        "ListTagResources",
        "The tags of roles or policies",
        list,
        [
            RESOURCE_TYPE,
            may("ResourceNames", Kind::Text),
            may("Tag", Kind::Tags),
            may("NextToken", Kind::Text),
            may("PageSize", Kind::Number)
        ]
    ),
];

fn kind(ask: &Ask<'_>) -> Result<TaggableKind, AcsError> {
    match ask.params.text("ResourceType") {
        None | Some("") => Err(AcsError::missing("ResourceType")),
        Some(word) if word.eq_ignore_ascii_case("role") => Ok(TaggableKind::Roles),
        Some(word) if word.eq_ignore_ascii_case("policy") => Ok(TaggableKind::Policies),
        Some(_) => Err(AcsError::invalid("ResourceType", "`role` and `policy` are the types")),
    }
}

fn names(ask: &Ask<'_>, kind: TaggableKind) -> Result<Vec<Taggable>, AcsError> {
    let refused = |error: &dyn std::fmt::Display| AcsError::invalid("ResourceNames", &error.to_string());
    ask.several(&["ResourceNames", "ResourceName"])?
        .iter()
        .map(|name| match kind {
            TaggableKind::Roles => name.parse().map(Taggable::Role).map_err(|error| refused(&error)),
            TaggableKind::Policies => name.parse().map(Taggable::Policy).map_err(|error| refused(&error)),
        })
        .collect()
}

fn needed(ask: &Ask<'_>, kind: TaggableKind) -> Result<Vec<Taggable>, AcsError> {
    let names = names(ask, kind)?;
    if names.is_empty() { Err(AcsError::missing("ResourceNames")) } else { Ok(names) }
}

/// Tags as they stand in an entity; left out where there are none.
pub(super) fn shown(tags: Vec<Tag>) -> Option<(&'static str, Tree)> {
    let one = |tag: Tag| Tree::object([("TagKey", tag.key.to_string()), ("TagValue", tag.value.to_string())]);
    (!tags.is_empty()).then(|| crate::acs::ask::wrapped("Tags", "Tag", tags.into_iter().map(one).collect()))
}

pub(super) async fn tag(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let names = needed(ask, kind(ask)?)?;
    let tags = ask.tags()?;
    if tags.is_empty() {
        return Err(AcsError::missing("Tag"));
    }
    ask.perform(TagResources { names, tags }).await?;
    Ok(Vec::new())
}

pub(super) async fn untag(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let names = needed(ask, kind(ask)?)?;
    let keys = ask.several(&["TagKeys", "TagKey"])?;
    let all = ask.flag("All")?;
    if keys.is_empty() && !all {
        return Err(AcsError::missing("TagKeys"));
    }
    let keys = keys.iter().map(|key| key.parse()).collect::<Result<Vec<_>, tegata_model::NameError>>();
    let keys = keys.map_err(|error| AcsError::invalid("TagKeys", &error.to_string()))?;
    // Keys that are named are more careful than `All` beside them.
    ask.perform(UntagResources { names, keys: (!keys.is_empty()).then_some(keys) }).await?;
    Ok(Vec::new())
}

pub(super) async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let kind = kind(ask)?;
    let word = match kind {
        TaggableKind::Roles => "role",
        TaggableKind::Policies => "policy",
    };
    let input =
        ListTagResources { kind, names: names(ask, kind)?, filter: ask.tag_filter()?, page: ask.page_by("NextToken", "PageSize", 100)? };
    let listed = ask.perform(input).await?;
    let one = |TaggedResource { name, tag }: TaggedResource| {
        Tree::Object(vec![
            ("ResourceType", text(&word)),
            ("ResourceName", Tree::Text(name)),
            ("TagKey", text(&tag.key)),
            ("TagValue", text(&tag.value)),
        ])
    };
    let mut fields = vec![("TagResources", Tree::List(listed.items.into_iter().map(one).collect()))];
    fields.extend(listed.next.map(|next| ("NextToken", Tree::Text(next))));
    Ok(fields)
}
