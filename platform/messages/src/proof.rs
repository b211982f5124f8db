//! How sure a sender wants to be of who opens a message.

/// What the recipient must prove (`security.md`, "Opening is a gesture").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Proof {
    /// Link and gesture. Does not claim that the mailbox's owner held the link.
    R0,
    /// A code mailed after the gesture, typed in the same browser. Claims access to the mailbox at that moment.
    #[default]
    R1,
    /// R1 and the message password. Claims knowledge of the password besides.
    R2,
    /// A client certificate that is the recipient's, of an authority that the sender's tenant accepts. Claims possession of its key, and
    /// what that authority vouches for; no access to the mailbox beyond the link.
    R4,
}

impl Proof {
    pub const ALL: [Proof; 4] = [Proof::R0, Proof::R1, Proof::R2, Proof::R4];

    pub fn as_str(self) -> &'static str {
        match self {
            Proof::R0 => "r0",
            Proof::R1 => "r1",
            Proof::R2 => "r2",
            Proof::R4 => "r4",
        }
    }
    pub fn parse(text: &str) -> Option<Proof> {
        Proof::ALL.into_iter().find(|p| p.as_str().eq_ignore_ascii_case(text))
    }
    /// Whether a code is mailed after the gesture.
    pub(crate) fn wants_code(self) -> bool {
        matches!(self, Proof::R1 | Proof::R2)
    }
    /// As receipts grade it.
    pub(crate) fn assurance(self) -> &'static str {
        match self {
            Proof::R0 => "R0",
            Proof::R1 => "R1",
            Proof::R2 => "R2",
            Proof::R4 => "R4",
        }
    }
}
