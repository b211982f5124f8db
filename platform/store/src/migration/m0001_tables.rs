//! The first tables, as data. Every key leads with the tenant, so an index serves one tenant's rows in one place; where that cost a page
//! for each tenant and commit, m0014 and m0017 changed it.

/// Type of a column, the same on both databases.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Uuid,
    Text,
    Whole,
    Bool,
    Bytes,
}

/// Name, type, and whether it may be NULL.
pub(super) type Column = (&'static str, Kind, bool);

/// A reference to another table's key; `tenant_id` goes along.
pub(super) struct Reference {
    pub column: &'static str,
    pub to: &'static str,
    pub cascade: bool,
}

pub(super) struct Table {
    pub name: &'static str,
    /// The key after `tenant_id`.
    pub key: &'static [&'static str],
    /// Columns after `tenant_id`.
    pub columns: &'static [Column],
    pub references: &'static [Reference],
    /// Indices; those that are unique say so.
    pub indices: &'static [(&'static [&'static str], bool)],
}

const UNIQUE: bool = true;

pub(super) const fn uuid(name: &'static str) -> Column {
    (name, Kind::Uuid, false)
}
pub(super) const fn text(name: &'static str) -> Column {
    (name, Kind::Text, false)
}
pub(super) const fn whole(name: &'static str) -> Column {
    (name, Kind::Whole, false)
}
pub(super) const fn flag(name: &'static str) -> Column {
    (name, Kind::Bool, false)
}
pub(super) const fn bytes(name: &'static str) -> Column {
    (name, Kind::Bytes, false)
}
pub(super) const fn maybe(column: Column) -> Column {
    (column.0, column.1, true)
}
/// Goes with what it refers to.
pub(super) const fn part_of(column: &'static str, to: &'static str) -> Reference {
    Reference { column, to, cascade: true }
}
/// Keeps what it refers to from going.
const fn needs(column: &'static str, to: &'static str) -> Reference {
    Reference { column, to, cascade: false }
}

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "tenant",
        key: &[],
        columns: &[text("name"), text("state"), text("plan"), whole("key_version"), bytes("key_wrapped"), whole("created_at")],
        references: &[],
        indices: &[],
    },
    Table {
        name: "member",
        key: &["id"],
        columns: &[
            uuid("id"),
            text("email"),
            text("email_folded"),
            text("name"),
            text("role"),
            text("state"),
            text("password_hash"),
            maybe(whole("email_proven_at")),
            whole("epoch"),
            whole("created_at"),
        ],
        references: &[],
        indices: &[(&["tenant_id", "email_folded"], UNIQUE), (&["email_folded"], false)],
    },
    Table {
        name: "session",
        key: &["id"],
        columns: &[
            uuid("id"),
            uuid("member_id"),
            bytes("token_hash"),
            whole("epoch"),
            text("ip"),
            text("user_agent"),
            whole("created_at"),
            whole("seen_at"),
            whole("expires_at"),
        ],
        references: &[part_of("member_id", "member")],
        indices: &[(&["token_hash"], UNIQUE), (&["tenant_id", "member_id"], false)],
    },
    Table {
        name: "api_key",
        key: &["id"],
        columns: &[
            uuid("id"),
            uuid("member_id"),
            text("name"),
            text("shown"),
            bytes("token_hash"),
            whole("created_at"),
            maybe(whole("last_used_at")),
            maybe(whole("revoked_at")),
        ],
        references: &[part_of("member_id", "member")],
        indices: &[(&["token_hash"], UNIQUE), (&["tenant_id", "member_id"], false)],
    },
    Table {
        name: "mailed_link",
        key: &["id"],
        columns: &[
            uuid("id"),
            uuid("member_id"),
            text("purpose"),
            bytes("token_hash"),
            whole("created_at"),
            whole("expires_at"),
            maybe(whole("used_at")),
        ],
        references: &[part_of("member_id", "member")],
        indices: &[(&["token_hash"], UNIQUE), (&["tenant_id", "member_id"], false)],
    },
    Table {
        name: "draft",
        key: &["id"],
        columns: &[
            uuid("id"),
            uuid("member_id"),
            flag("hidden"),
            bytes("content_sealed"),
            bytes("message_key"),
            whole("revision"),
            whole("created_at"),
            whole("updated_at"),
        ],
        references: &[part_of("member_id", "member")],
        indices: &[(&["tenant_id", "updated_at"], false)],
    },
    Table {
        name: "message",
        key: &["id"],
        columns: &[
            uuid("id"),
            uuid("member_id"),
            maybe(uuid("api_key_id")),
            text("subject"),
            maybe(bytes("body_sealed")),
            maybe(text("body_blob")),
            whole("body_bytes"),
            text("proof"),
            maybe(bytes("sender_slot")),
            maybe(bytes("password_salt")),
            maybe(bytes("hint_sealed")),
            flag("accept_first"),
            flag("hide_sender"),
            flag("show_subject"),
            flag("notify_opened"),
            text("remind_days"),
            whole("recipients"),
            whole("attachments"),
            whole("attachment_bytes"),
            whole("created_at"),
            whole("release_at"),
            whole("expires_at"),
            maybe(whole("retracted_at")),
            maybe(whole("shredded_at")),
        ],
        references: &[needs("member_id", "member")],
        indices: &[],
    },
    Table {
        name: "recipient",
        key: &["id"],
        columns: &[
            uuid("id"),
            uuid("message_id"),
            whole("position"),
            text("address"),
            bytes("token_hash"),
            text("state"),
            maybe(bytes("slot")),
            whole("tries"),
            maybe(whole("reminded_days")),
            maybe(whole("opened_at")),
            whole("changed_at"),
        ],
        references: &[part_of("message_id", "message")],
        indices: &[(&["token_hash"], UNIQUE), (&["tenant_id", "message_id", "position"], false), (&["tenant_id", "address"], false)],
    },
    Table {
        name: "visit",
        key: &["id"],
        columns: &[
            uuid("id"),
            uuid("message_id"),
            uuid("recipient_id"),
            bytes("cookie_hash"),
            whole("codes_sent"),
            maybe(whole("code_sent_at")),
            whole("code_tries"),
            maybe(whole("code_proven_at")),
            maybe(whole("accepted_at")),
            maybe(whole("opened_at")),
            maybe(bytes("key_wrapped")),
            whole("created_at"),
            whole("expires_at"),
        ],
        references: &[part_of("recipient_id", "recipient")],
        indices: &[(&["tenant_id", "recipient_id"], false)],
    },
    Table {
        name: "released",
        key: &["visit_id", "attachment_id"],
        columns: &[uuid("visit_id"), uuid("attachment_id"), whole("at")],
        references: &[part_of("visit_id", "visit")],
        indices: &[],
    },
    Table {
        name: "attachment",
        key: &["id"],
        columns: &[
            uuid("id"),
            uuid("message_id"),
            text("name"),
            text("media_type"),
            maybe(whole("declared_bytes")),
            whole("received_bytes"),
            bytes("hash_state"),
            maybe(bytes("sha256")),
            text("blob"),
            whole("created_at"),
            whole("updated_at"),
        ],
        // Its message may still be a draft, which is another table with the same ids.
        references: &[],
        indices: &[(&["tenant_id", "message_id"], false)],
    },
    Table {
        name: "evidence",
        key: &["seq"],
        columns: &[
            whole("seq"),
            uuid("id"),
            maybe(uuid("message_id")),
            maybe(uuid("recipient_id")),
            text("kind"),
            whole("at"),
            text("grounds"),
            bytes("prev"),
            bytes("hash"),
        ],
        // Evidence outlives what it is about.
        references: &[],
        indices: &[(&["tenant_id", "message_id", "seq"], false)],
    },
    Table { name: "chain", key: &[], columns: &[whole("seq"), bytes("head")], references: &[], indices: &[] },
    Table {
        name: "reply",
        key: &["id"],
        columns: &[
            uuid("id"),
            uuid("message_id"),
            uuid("recipient_id"),
            bytes("body_sealed"),
            whole("created_at"),
            maybe(whole("read_at")),
        ],
        references: &[part_of("message_id", "message")],
        indices: &[(&["tenant_id", "created_at"], false), (&["tenant_id", "message_id"], false)],
    },
    Table {
        name: "allowance",
        key: &[],
        columns: &[
            whole("sends_used"),
            maybe(whole("sends_limit")),
            whole("period_ends_at"),
            maybe(whole("recipients_limit")),
            maybe(whole("message_bytes_limit")),
            whole("stored_bytes"),
            maybe(whole("stored_limit")),
            maybe(whole("life_days_limit")),
            maybe(whole("api_per_minute")),
        ],
        references: &[],
        indices: &[],
    },
    Table { name: "blocked_address", key: &["address"], columns: &[text("address"), whole("created_at")], references: &[], indices: &[] },
    Table {
        name: "idempotency",
        key: &["key"],
        columns: &[text("key"), bytes("request_hash"), uuid("message_id"), whole("created_at")],
        references: &[],
        indices: &[(&["tenant_id", "created_at"], false)],
    },
    Table {
        name: "job",
        key: &["id"],
        columns: &[
            uuid("id"),
            text("kind"),
            text("payload"),
            text("state"),
            whole("run_at"),
            whole("attempts"),
            maybe(whole("lease_until")),
            maybe(text("last_error")),
            whole("created_at"),
        ],
        references: &[],
        indices: &[(&["state", "run_at", "id"], false)],
    },
];
