//! What was destroyed is not in SQLite's files any more: not in freed pages, not in the log.

use super::town::{On, Town, a_recipient, settle};
use kernel::{Fault, MessageId};
use keys::Token;
use sea_orm::{ColumnTrait, QueryFilter};
use std::fs;
use store::{
    Database, TenantTx,
    entity::{message, recipient},
    sea_orm,
};

const BODY: &[u8] = b"the body of a message that was taken back ";
const SLOT: &[u8] = b"the key slot of a recipient who never looked";

/// How often `words` stand in the files of the database.
fn found(town: &Town, words: &[u8]) -> usize {
    let Database::Sqlite { path } = &town.under.database else { unreachable!() };
    let files = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|file| file.to_string_lossy().starts_with(path.to_str().unwrap()));
    files.map(|file| fs::read(file).unwrap().windows(words.len()).filter(|w| *w == words).count()).sum()
}

#[tokio::test]
async fn content_and_keys_are_overwritten() {
    let town = Town::found(On::Sqlite).await;
    let (_, first, _, _) = settle(&town.db, &town.a, "ada@example.org").await;
    let fill = async |tx: &mut TenantTx| {
        for n in 0..60 {
            let id = MessageId::new(tx.now(), tx.chance()).0;
            // Some fit into a page, some have pages of their own.
            let body = BODY.repeat(if n % 2 == 0 { 4 } else { 400 });
            let row = message::Model { id, body_sealed: Some(body), ..first.clone() };
            let to = recipient::Model { slot: Some(SLOT.to_vec()), ..a_recipient(tx, &row, &Token::random(tx.chance())) };
            tx.insert(message::ActiveModel::from(row)).await?;
            tx.insert(recipient::ActiveModel::from(to)).await?;
        }
        Ok::<_, Fault>(())
    };
    town.db.act(&town.a, fill).await.unwrap();
    assert!(found(&town, BODY) >= 60 && found(&town, SLOT) >= 60);
    town.db.forget_deleted().await;
    assert!(found(&town, BODY) >= 60, "what lives is in the database itself now");
    let shred = async |tx: &mut TenantTx| {
        tx.update::<recipient::Entity>().set(recipient::Column::Slot, None::<Vec<u8>>).exec().await?;
        let others = message::Column::Id.ne(first.id);
        tx.update::<message::Entity>().set(message::Column::BodySealed, None::<Vec<u8>>).filter(others).exec().await
    };
    assert_eq!(town.db.act(&town.a, shred).await.unwrap(), 60);
    town.db.forget_deleted().await;
    assert_eq!((found(&town, BODY), found(&town, SLOT)), (0, 0));
}
