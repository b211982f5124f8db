//! What the rooms that leave the database need: the store, the password hasher, the site's address and the brakes on its mail.

use kernel::Site;
use keys::PasswordHasher;
use quota::UnaskedMail;
use store::Db;

/// Handed to the rooms that do more than one act. Cheap to clone.
#[derive(Clone)]
pub struct Post {
    pub db: Db,
    pub hasher: PasswordHasher,
    pub site: Site,
    pub unasked: UnaskedMail,
}
