//! Rows to test with.

use std::{borrow::Cow, time::Duration};

use tegata_model::{
    AccessKeyId, AccountAlias, AccountId, AccountNumber, BlobId, BucketId, BucketName, Epoch, Generation, GroupId, GroupName, KeyId,
    LoginProfileId, MfaDeviceId, MfaDeviceName, NodeId, ObjectKey, OperatorId, OrganisationId, PasswordHash, PolicyId, PolicyName,
    PrincipalNumber, RequestId, RoleId, RoleName, SessionId, Status, Timestamp, UserId, UserName,
};

use crate::{
    access_key::AccessKeyRow,
    account::AccountRow,
    audit::{AuditRow, CallerKind, Outcome},
    bucket::{Acl, BucketRow},
    group::GroupRow,
    login_profile::LoginProfileRow,
    mfa_device::MfaDeviceRow,
    object::ObjectRow,
    password_policy::PasswordPolicyRow,
    policy::{PolicyKind, PolicyRow, PolicyVersionRow},
    role::RoleRow,
    security_preference::SecurityPreferenceRow,
    user::{UserKind, UserRow},
};

pub(super) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

fn id(n: u8) -> [u8; 16] {
    let mut bytes = [n; 16];
    bytes[0] = 1;
    bytes
}

pub(super) fn account(n: u8) -> AccountRow {
    AccountRow {
        id: AccountId::from_bytes(id(n)),
        number: AccountNumber::new(1_000_000_000_000_000 + u64::from(n)).unwrap(),
        alias: AccountAlias::new(&format!("account-{n}")).unwrap(),
        operator_id: OperatorId::from_number(u64::from(n)),
        organisation_id: OrganisationId::from_random(id(n)),
        parent_id: None,
        status: Status::Active,
        epoch: Epoch(0),
        generation: Generation(1),
        created_at: NOW,
    }
}

pub(super) fn user(account: AccountId, n: u8, name: &str) -> UserRow {
    UserRow {
        id: UserId::from_bytes(id(n)),
        account_id: account,
        number: PrincipalNumber::new(100_000_000_000_000_000 + u64::from(n)).unwrap(),
        kind: UserKind::Member,
        name: UserName::new(name).unwrap(),
        login: None,
        display_name: "A user".into(),
        status: Status::Active,
        epoch: Epoch(0),
        generation: Generation(1),
        created_at: NOW,
        email: String::new(),
        phone: String::new(),
        comments: String::new(),
        updated_at: NOW,
    }
}

pub(super) fn group(account: AccountId, n: u8, name: &str) -> GroupRow {
    GroupRow {
        id: GroupId::from_bytes(id(n)),
        account_id: account,
        name: GroupName::new(name).unwrap(),
        generation: Generation(1),
        created_at: NOW,
        comments: String::new(),
        updated_at: NOW,
    }
}

pub(super) fn role(account: AccountId, n: u8, name: &str) -> RoleRow {
    RoleRow {
        id: RoleId::from_bytes(id(n)),
        account_id: account,
        number: PrincipalNumber::new(300_000_000_000_000_000 + u64::from(n)).unwrap(),
        name: RoleName::new(name).unwrap(),
        description: String::new(),
        trust_document: "{}".into(),
        max_session: Duration::from_hours(1),
        status: Status::Active,
        epoch: Epoch(0),
        generation: Generation(1),
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(super) fn policy(account: Option<AccountId>, n: u8, name: &str) -> (PolicyRow, PolicyVersionRow) {
    let policy = PolicyRow {
        id: PolicyId::from_bytes(id(n)),
        account_id: account,
        name: PolicyName::new(name).unwrap(),
        kind: if account.is_some() { PolicyKind::Custom } else { PolicyKind::System },
        description: String::new(),
        default_version: 1,
        generation: Generation(1),
        created_at: NOW,
        last_version: 1,
        updated_at: NOW,
    };
    let version = PolicyVersionRow { policy_id: policy.id, version: 1, document: format!("document of {name}"), created_at: NOW };
    (policy, version)
}

pub(super) fn key(user: &UserRow, n: u8) -> AccessKeyRow {
    AccessKeyRow {
        id: KeyId::from_bytes(id(n)),
        key_id: AccessKeyId::new(&format!("LTAIkey{n}")).unwrap(),
        account_id: user.account_id,
        user_id: user.id,
        sealed_secret: vec![1, 2, 3],
        status: Status::Active,
        epoch: Epoch(0),
        generation: Generation(1),
        created_at: NOW,
    }
}

pub(super) fn login_profile(user: &UserRow, n: u8) -> LoginProfileRow {
    LoginProfileRow {
        id: LoginProfileId::from_bytes(id(n)),
        account_id: user.account_id,
        user_id: user.id,
        password_hash: Some(PasswordHash::new("$argon2id$hash")),
        password_count: 1,
        changed_at: NOW,
        initial: true,
        reset_required: false,
        mfa_required: true,
        status: Status::Active,
        epoch: Epoch(0),
        created_at: NOW,
        updated_at: NOW,
        last_login_at: None,
    }
}

pub(super) fn mfa_device(account: AccountId, n: u8, name: &str) -> MfaDeviceRow {
    MfaDeviceRow {
        id: MfaDeviceId::from_bytes(id(n)),
        account_id: account,
        name: MfaDeviceName::new(name).unwrap(),
        sealed_seed: vec![4, 5, 6],
        user_id: None,
        last_step: 0,
        created_at: NOW,
        bound_at: None,
    }
}

pub(super) fn password_policy(account_id: AccountId) -> PasswordPolicyRow {
    PasswordPolicyRow {
        account_id,
        min_length: 1,
        require_lowercase: true,
        require_uppercase: false,
        require_numbers: true,
        require_symbols: false,
        different_characters: 2,
        forbid_user_name: true,
        max_age_days: 3,
        hard_expiry: false,
        initial_age_days: 4,
        reuse_prevention: 5,
        max_attempts: 6,
    }
}

pub(super) fn security_preference(account_id: AccountId) -> SecurityPreferenceRow {
    SecurityPreferenceRow {
        account_id,
        remember_mfa: true,
        users_change_password: false,
        users_manage_keys: true,
        users_manage_mfa: false,
        users_manage_public: true,
        session_hours: 7,
        login_networks: String::new(),
    }
}

pub(super) fn bucket(account: AccountId, n: u8, name: &str) -> BucketRow {
    BucketRow {
        id: BucketId::from_bytes(id(n)),
        account_id: account,
        name: BucketName::new(name).unwrap(),
        acl: Acl::Private,
        storage_class: "Standard".into(),
        generation: Generation(1),
        created_at: NOW,
    }
}

pub(super) fn object(bucket: BucketId, key: &str, blob: u8) -> ObjectRow {
    ObjectRow {
        bucket_id: bucket,
        key: ObjectKey::new(key).unwrap(),
        blob_id: BlobId::from_bytes(id(blob)),
        size: 5,
        etag: "ETAG".into(),
        md5: Some([7; 16]),
        crc64: u64::MAX - 1,
        content_type: "text/plain".into(),
        headers: "{}".into(),
        modified_at: NOW,
    }
}

pub(super) fn audit(account: AccountId, seq: i64) -> AuditRow {
    let mut request = [9; 16];
    request[8..].copy_from_slice(&seq.to_be_bytes());
    AuditRow {
        node: NodeId::from_bytes(id(1)),
        seq,
        at: NOW.plus(Duration::from_secs(seq.unsigned_abs())),
        request_id: RequestId::from_bytes(request),
        account_id: Some(account),
        action: Cow::Borrowed("sts:AssumeRole"),
        resource: "acs:ram:*:1000000000000001:role/app-uploader".into(),
        caller_kind: CallerKind::User,
        caller_id: Some(id(2)),
        caller: "alice".into(),
        access_key_id: Some("LTAIkey2".into()),
        session_id: (seq % 2 == 0).then_some(SessionId::from_bytes(request)),
        outcome: if seq % 3 == 0 { Outcome::Refused } else { Outcome::Done },
        source: "127.0.0.1".into(),
        detail: r#"{"role":"app-uploader"}"#.into(),
    }
}
