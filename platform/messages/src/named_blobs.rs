//! Which of the segments in the blob store this tenant's rows name. The others are nobody's: a process that was killed between storing a
//! segment and its act leaves one.
//!
//! What would surprise you: where a file's row does not say where its segments lie (it is from before places were kept, or the first is
//! just being written), every segment of its blob counts as named.

use crate::segment;
use kernel::Fault;
use sea_orm::{ColumnTrait, FromQueryResult, QueryFilter, QueryOrder};
use std::collections::HashMap;
use store::{
    Look, Stored,
    entity::{attachment, message},
};
use uuid::Uuid;

/// Rows read at one time.
const ROWS: u64 = 1_000;

/// Segments by the name of their blob.
pub type Unnamed = HashMap<String, Vec<Stored>>;

#[derive(FromQueryResult)]
struct File {
    id: Uuid,
    blob: String,
    places: Vec<u8>,
}

#[derive(FromQueryResult)]
struct Body {
    body_blob: String,
}

/// Takes what the tenant's rows name out of `unnamed`.
pub async fn strike_named(look: &impl Look, unnamed: &mut Unnamed) -> Result<(), Fault> {
    strike_bodies(look, unnamed).await?;
    strike_files(look, unnamed).await
}

async fn strike_bodies(look: &impl Look, unnamed: &mut Unnamed) -> Result<(), Fault> {
    use message::Column::BodyBlob;
    let mut after = String::new();
    while !unnamed.is_empty() {
        let find = look.find::<message::Entity>().filter(BodyBlob.is_not_null()).filter(BodyBlob.gt(&after)).order_by_asc(BodyBlob);
        let rows = find.limit(ROWS).into_model::<Body>(&[BodyBlob]).all().await?;
        rows.iter().for_each(|row| drop(unnamed.remove(&row.body_blob)));
        match rows.last() {
            Some(last) if rows.len() as u64 == ROWS => after.clone_from(&last.body_blob),
            _ => break,
        }
    }
    Ok(())
}

async fn strike_files(look: &impl Look, unnamed: &mut Unnamed) -> Result<(), Fault> {
    use attachment::Column::{Blob, Id, Places};
    let mut after = Uuid::nil();
    while !unnamed.is_empty() {
        let find = look.find::<attachment::Entity>().filter(Id.gt(after)).order_by_asc(Id);
        let rows = find.limit(ROWS).into_model::<File>(&[Id, Blob, Places]).all().await?;
        rows.iter().for_each(|row| strike_file(row, unnamed));
        match rows.last() {
            Some(last) if rows.len() as u64 == ROWS => after = last.id,
            _ => break,
        }
    }
    Ok(())
}

fn strike_file(row: &File, unnamed: &mut Unnamed) {
    let Some(found) = unnamed.get_mut(&row.blob) else { return };
    // Of what was never finished nothing is named.
    found.retain(|stored| stored.segment.is_none_or(|place| !row.places.is_empty() && !segment::is_among(&row.places, place)));
    if found.is_empty() {
        unnamed.remove(&row.blob);
    }
}
