//! Passwords: Argon2id (RFC 9106) for members' accounts and for message passwords, two at a time, the rest in a queue.
//!
//! What would surprise you: a name nobody has costs the same work as one that somebody has, and a queue that is full
//! says so at once instead of eating the machine's memory. Message passwords have a queue of their own, a few places for each tenant, and
//! one of the two turns: however many there are, the next sign-in waits for one computation at most.

use crate::AccountPassword;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version, password_hash::SaltString};
use kernel::{Chance, MAX_PASSWORD_CHARS, TenantId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Argon2 computations at a time (two of 64 MiB at most), and how many may wait for them.
const AT_A_TIME: usize = 2;
const WAITING: usize = 64;
/// Message passwords at a time, in hand and waiting: of all tenants, and of one.
const MESSAGES: usize = 32;
const MESSAGES_OF_ONE: usize = 6;

/// How much work a password costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Accounts 19 MiB, t=2, p=1 (OWASP Password Storage, first choice); message passwords 64 MiB, t=3, p=1.
    Real,
    /// For tests only: next to nothing.
    Test,
}

/// Too many passwords are being checked. Nothing was done; try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("We are checking too many passwords at this moment. Please try again in a few seconds.")]
pub struct Busy;

/// A message password after Argon2id: 32 bytes, wiped when dropped.
#[derive(Clone)]
pub struct StretchedPassword(Zeroizing<[u8; 32]>);

impl StretchedPassword {
    #[cfg(test)]
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        StretchedPassword(Zeroizing::new(bytes))
    }
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Hashes and checks passwords on blocking threads. Clones share the queue.
#[derive(Clone)]
pub struct PasswordHasher(Arc<Inner>);

struct Inner {
    account: Argon2<'static>,
    message: Argon2<'static>,
    /// Of no password at all, with the account's parameters: the work for names that nobody has.
    nobody: String,
    chance: Chance,
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    /// Message passwords in hand and waiting; the tenants that have none are not in it.
    messages: Mutex<HashMap<TenantId, usize>>,
    /// One message password at a time asks for a turn.
    message_turn: Arc<Semaphore>,
}

/// A message password's place, given back when it is dropped.
struct MessagePlace(Arc<Inner>, TenantId);

impl MessagePlace {
    fn take(inner: &Arc<Inner>, of: TenantId) -> Result<MessagePlace, Busy> {
        let mut taken = inner.messages();
        let (all, own) = (taken.values().sum::<usize>(), taken.get(&of).copied().unwrap_or(0));
        if all >= MESSAGES || own >= MESSAGES_OF_ONE {
            return Err(Busy);
        }
        taken.insert(of, own + 1);
        Ok(MessagePlace(inner.clone(), of))
    }
}

impl Drop for MessagePlace {
    fn drop(&mut self) {
        let mut taken = self.0.messages();
        let left = taken.get(&self.1).copied().unwrap_or(0).saturating_sub(1);
        if left == 0 {
            taken.remove(&self.1)
        } else {
            taken.insert(self.1, left)
        };
    }
}

impl Inner {
    fn messages(&self) -> MutexGuard<'_, HashMap<TenantId, usize>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PasswordHasher {
    pub fn new(cost: Cost, chance: Chance) -> Self {
        let (account, message) = match cost {
            Cost::Real => (argon2id(19 * 1024, 2), argon2id(64 * 1024, 3)),
            Cost::Test => (argon2id(8, 1), argon2id(8, 1)),
        };
        PasswordHasher(Arc::new(Inner {
            nobody: phc_of_nobody(account.params()),
            account,
            message,
            chance,
            places: Arc::new(Semaphore::new(AT_A_TIME + WAITING)),
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            messages: Mutex::default(),
            message_turn: Arc::new(Semaphore::new(AT_A_TIME - 1)),
        }))
    }

    /// A PHC string with a salt of 16 random bytes.
    pub async fn hash(&self, password: &AccountPassword) -> Result<String, Busy> {
        let (inner, password) = (self.0.clone(), password.clone());
        let salt = SaltString::encode_b64(&self.0.chance.bytes::<16>()).expect("16 bytes are a salt (RFC 9106 §3.1)");
        self.in_turn(self.place()?, move || {
            let hash = inner.account.hash_password(password.as_str().as_bytes(), &salt);
            hash.expect("parameters and salt are valid, the password is bounded").to_string()
        })
        .await
    }

    /// Whether the password (NFC) is the one hashed. `None`, or a hash that cannot be read: the same work, and false.
    pub async fn verify(&self, phc: Option<&str>, password: &str) -> Result<bool, Busy> {
        let (inner, phc, password) = (self.0.clone(), phc.map(str::to_owned), nfc_within_bound(password));
        self.in_turn(self.place()?, move || {
            let stored = phc.as_deref().and_then(|text| PasswordHash::new(text).ok());
            let nobody = PasswordHash::new(&inner.nobody).expect("made by `phc_of_nobody`, which a test reads");
            let hash = stored.as_ref().unwrap_or(&nobody);
            let typed = password.as_ref().map_or(&b""[..], |p| p.as_bytes());
            let right = inner.account.verify_password(typed, hash).is_ok();
            right && stored.is_some() && password.is_some()
        })
        .await
    }

    /// Stretches a password (NFC) of one of the tenant's messages for its slot. The caller bounds its length.
    pub async fn stretch(&self, password: &str, salt: &[u8; 16], of: TenantId) -> Result<StretchedPassword, Busy> {
        let place = MessagePlace::take(&self.0, of)?;
        let turn = self.0.message_turn.clone().acquire_owned().await.map_err(|_| Busy)?;
        let (inner, password, salt) = (self.0.clone(), Zeroizing::new(password.nfc().collect::<String>()), *salt);
        self.in_turn((place, turn), move || {
            let mut out = StretchedPassword(Zeroizing::new([0; 32]));
            let done = inner.message.hash_password_into(password.as_bytes(), &salt, out.0.as_mut());
            done.expect("parameters and salt are valid, and no request is 4 GiB");
            out
        })
        .await
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, Busy> {
        self.0.places.clone().try_acquire_owned().map_err(|_| Busy)
    }

    /// The permits travel with the work: who stops waiting does not stop the thread, and its place stays taken until it is done.
    async fn in_turn<T: Send + 'static>(&self, place: impl Send + 'static, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let turn = self.0.turns.clone().acquire_owned().await.map_err(|_| Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, turn);
            work()
        });
        // Only a runtime that shuts down loses the answer.
        done.await.map_err(|_| Busy)
    }
}

fn argon2id(kib: u32, passes: u32) -> Argon2<'static> {
    let params = Params::new(kib, passes, 1, Some(32)).expect("within RFC 9106 §3.1");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn phc_of_nobody(params: &Params) -> String {
    let (m, t) = (params.m_cost(), params.t_cost());
    format!("$argon2id$v=19$m={m},t={t},p=1${}${}", "A".repeat(22), "A".repeat(43))
}

/// `None` if it is longer than any account's password can be: then it is wrong, whatever it is.
fn nfc_within_bound(password: &str) -> Option<Zeroizing<String>> {
    let text = Zeroizing::new(password.nfc().take(MAX_PASSWORD_CHARS + 1).collect::<String>());
    (text.chars().count() <= MAX_PASSWORD_CHARS).then_some(text)
}

impl std::fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHasher")
    }
}
impl std::fmt::Debug for StretchedPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StretchedPassword")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };

    const TENANT: TenantId = TenantId(uuid::Uuid::from_u128(1));

    fn hasher(cost: Cost) -> PasswordHasher {
        PasswordHasher::new(cost, Chance::seeded(1))
    }
    fn password(text: &str) -> AccountPassword {
        AccountPassword::parse(text, &[]).unwrap()
    }

    #[tokio::test]
    async fn a_password_is_right_or_wrong_whatever_its_normal_form() {
        let hasher = hasher(Cost::Test);
        let phc = hasher.hash(&password("trois caf\u{e9}s noirs")).await.unwrap();
        assert_eq!(hasher.verify(Some(&phc), "trois caf\u{e9}s noirs").await, Ok(true));
        assert_eq!(hasher.verify(Some(&phc), "trois cafe\u{301}s noirs").await, Ok(true));
        assert_eq!(hasher.verify(Some(&phc), "trois cafes noirs").await, Ok(false));
        assert_eq!(hasher.verify(Some(&phc), "").await, Ok(false));
        assert_ne!(phc, hasher.hash(&password("trois caf\u{e9}s noirs")).await.unwrap(), "another salt");
    }

    #[tokio::test]
    async fn nobody_damage_and_excess_are_wrong() {
        let hasher = hasher(Cost::Test);
        let phc = hasher.hash(&password("a perfectly good one")).await.unwrap();
        assert_eq!(hasher.verify(None, "a perfectly good one").await, Ok(false));
        assert_eq!(hasher.verify(Some("damaged"), "a perfectly good one").await, Ok(false));
        assert_eq!(hasher.verify(Some(&hasher.0.nobody), "").await, Ok(false));
        assert_eq!(hasher.verify(Some(&phc), &"x".repeat(1 << 20)).await, Ok(false));
        let phc_of_empty = hasher.hash(&AccountPassword::unchecked("")).await.unwrap();
        assert_eq!(hasher.verify(Some(&phc_of_empty), &"x".repeat(1 << 20)).await, Ok(false));
        let longest = "a good one! ".repeat(30)[..256].to_owned();
        let phc = hasher.hash(&AccountPassword::unchecked(&longest)).await.unwrap();
        assert_eq!(hasher.verify(Some(&phc), &longest).await, Ok(true));
    }

    #[tokio::test]
    async fn real_accounts_cost_19_mib_twice_and_nobody_costs_the_same() {
        let hasher = hasher(Cost::Real);
        let phc = hasher.hash(&password("a perfectly good one")).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(hasher.0.nobody.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let (real, nobody) = (PasswordHash::new(&phc).unwrap(), PasswordHash::new(&hasher.0.nobody).unwrap());
        assert_eq!(real.hash.unwrap().len(), nobody.hash.unwrap().len());
        assert_eq!(real.salt.unwrap().len(), nobody.salt.unwrap().len());
        assert_eq!(hasher.verify(Some(&phc), "a perfectly good one").await, Ok(true));
    }

    #[tokio::test]
    async fn message_passwords_are_stretched_as_an_independent_program_does() {
        // Python's `cryptography`: Argon2id(salt=0x07*16, length=32, iterations=3, lanes=1, memory_cost=65536).derive("caf\u{e9} au lait").
        let out = hasher(Cost::Real).stretch("cafe\u{301} au lait", &[7; 16], TENANT).await.unwrap();
        assert_eq!(hex::encode(out.as_bytes()), "eed07cc098604da0e43527059ae36933cc82ebc9a49a16c193d01acc292a9584");
    }

    #[tokio::test]
    async fn stretching_depends_on_password_and_salt() {
        let hasher = hasher(Cost::Test);
        let one = hasher.stretch("blue", &[1; 16], TENANT).await.unwrap();
        assert_eq!(one.as_bytes(), hasher.stretch("blue", &[1; 16], TENANT).await.unwrap().as_bytes());
        assert_ne!(one.as_bytes(), hasher.stretch("blue", &[2; 16], TENANT).await.unwrap().as_bytes());
        assert_ne!(one.as_bytes(), hasher.stretch("blues", &[1; 16], TENANT).await.unwrap().as_bytes());
        assert_eq!(format!("{one:?}"), "StretchedPassword");
    }

    #[tokio::test]
    async fn two_work_sixty_four_wait_and_the_next_is_told_at_once() {
        let hasher = hasher(Cost::Test);
        let open = Arc::new(Barrier::new(AT_A_TIME + 1));
        let running = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::new();
        for n in 0..AT_A_TIME + WAITING {
            let (hasher, open, running) = (hasher.clone(), open.clone(), running.clone());
            tasks.push(tokio::spawn(async move {
                let work = move || {
                    let at_once = running.fetch_add(1, SeqCst) + 1;
                    if n < AT_A_TIME {
                        open.wait();
                    }
                    running.fetch_sub(1, SeqCst);
                    at_once
                };
                hasher.in_turn(hasher.place().unwrap(), work).await
            }));
        }
        while hasher.0.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(hasher.verify(None, "one too many").await, Err(Busy));
        tokio::task::spawn_blocking(move || open.wait()).await.unwrap();
        for task in tasks {
            assert!(task.await.unwrap().unwrap() <= AT_A_TIME);
        }
        assert_eq!(hasher.verify(None, "room again").await, Ok(false));
    }

    /// Both turns are taken; so many of each of these tenants then ask for a message password. Who was turned away at once?
    async fn crowd(hasher: &PasswordHasher, tenants: u128, of_each: usize) -> (Vec<tokio::task::JoinHandle<bool>>, usize) {
        let waiting: Vec<_> = (1..=tenants)
            .flat_map(|tenant| vec![TenantId(uuid::Uuid::from_u128(tenant)); of_each])
            .map(|of| {
                let hasher = hasher.clone();
                tokio::spawn(async move { hasher.stretch("blue", &[1; 16], of).await.is_err() })
            })
            .collect();
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        let turned_away = waiting.iter().filter(|one| one.is_finished()).count();
        (waiting, turned_away)
    }

    #[tokio::test]
    async fn one_tenants_message_passwords_leave_room_for_anothers() {
        let hasher = hasher(Cost::Test);
        let held = hasher.0.turns.clone().acquire_many_owned(AT_A_TIME as u32).await.unwrap();
        let (waiting, turned_away) = crowd(&hasher, 1, MESSAGES).await;
        assert_eq!(turned_away, MESSAGES - MESSAGES_OF_ONE);
        let other = tokio::spawn({
            let hasher = hasher.clone();
            async move { hasher.stretch("red", &[2; 16], TenantId(uuid::Uuid::from_u128(99))).await.is_ok() }
        });
        drop(held);
        assert!(other.await.unwrap());
        for one in waiting {
            one.await.unwrap();
        }
        assert!(hasher.0.messages().is_empty(), "all places are given back");
    }

    #[tokio::test]
    async fn message_passwords_neither_fill_the_queue_of_sign_ins_nor_go_before_them() {
        let hasher = hasher(Cost::Test);
        let mut held = hasher.0.turns.clone().acquire_many_owned(AT_A_TIME as u32).await.unwrap();
        let (waiting, turned_away) = crowd(&hasher, 100, MESSAGES_OF_ONE).await;
        assert_eq!(turned_away, 100 * MESSAGES_OF_ONE - MESSAGES);
        assert_eq!(hasher.0.places.available_permits(), AT_A_TIME + WAITING, "no place of theirs is taken");
        let done = Arc::new(AtomicUsize::new(0));
        let signing_in = tokio::spawn({
            let hasher = hasher.clone();
            async move { hasher.verify(None, "mine").await }
        });
        while hasher.0.places.available_permits() == AT_A_TIME + WAITING {
            tokio::task::yield_now().await;
        }
        let counting: Vec<_> = waiting
            .into_iter()
            .map(|one| {
                let done = done.clone();
                tokio::spawn(async move { done.fetch_add(usize::from(!one.await.unwrap()), SeqCst) })
            })
            .collect();
        // One turn, so that they come one after the other.
        drop(held.split(1));
        assert_eq!(signing_in.await.unwrap(), Ok(false));
        let before_it = done.load(SeqCst);
        assert!(before_it <= 4, "the sign-in waited for {before_it} of them");
        for one in counting {
            one.await.unwrap();
        }
    }

    #[tokio::test]
    async fn who_stops_waiting_gives_their_place_back() {
        let hasher = hasher(Cost::Test);
        let held = hasher.0.turns.clone().acquire_many_owned(AT_A_TIME as u32).await.unwrap();
        let waiting = tokio::spawn({
            let hasher = hasher.clone();
            async move { hasher.verify(None, "impatient").await }
        });
        while hasher.0.places.available_permits() == AT_A_TIME + WAITING {
            tokio::task::yield_now().await;
        }
        waiting.abort();
        assert!(waiting.await.is_err());
        assert_eq!(hasher.0.places.available_permits(), AT_A_TIME + WAITING);
        drop(held);
    }
}
