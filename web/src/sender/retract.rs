//! Taking a message back, from everyone who has not opened it or from those named. What came of it is told on the next page.

use super::answer;
use crate::{
    Web,
    form::Form,
    guard::Member,
    human, page,
    refusals::Refusal,
    stop::{Answer, Stop},
};
use kernel::{MAX_RECIPIENTS, MessageId, RecipientId};
use messages::Retraction;
use poem::{
    handler,
    web::{Data, Path},
};

#[handler]
pub async fn submit(Data(web): Data<&Web>, member: Member, Path(id): Path<String>, form: Form) -> Answer {
    let id: MessageId = answer::id(&id)?;
    let only = form.all("recipient").take(MAX_RECIPIENTS).map(answer::id).collect::<Result<Vec<RecipientId>, Stop>>()?;
    let only = Some(only).filter(|named| !named.is_empty());
    let done = web.post.db.act(&member.caller, async |tx| messages::retract(tx, id, only.as_deref()).await).await.map_err(Refusal::stop)?;
    let told = told(&done);
    Ok(if form.text("back") == "sent" { page::see_other_telling("/sent", &told) } else { answer::back_to(id, &told) })
}

fn told(done: &Retraction) -> String {
    let (back, late, ended) = (done.retracted.len(), done.too_late.len(), done.ended.len());
    if back + late + ended <= 1 {
        return if back == 1 {
            "Taken back. It had not been opened."
        } else if late == 1 {
            "Too late: it was opened or refused before. That you asked is recorded."
        } else {
            "It had ended before. Nothing changed."
        }
        .to_owned();
    }
    let mut said = Vec::new();
    if back > 0 {
        said.push(format!("taken back from {}", human::number(back as i64)));
    }
    if late > 0 {
        said.push(format!("too late for {}", human::number(late as i64)));
    }
    if ended > 0 {
        said.push(format!("ended before for {}", human::number(ended as i64)));
    }
    let mut sentence = said.join(", ");
    sentence[..1].make_ascii_uppercase();
    format!("{sentence}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Chance, Time};

    fn said(back: usize, late: usize, ended: usize) -> String {
        let some = |n: usize| (0..n).map(|_| RecipientId::new(Time(0), &Chance::seeded(1))).collect();
        told(&Retraction { retracted: some(back), too_late: some(late), ended: some(ended) })
    }

    #[test]
    fn the_outcome_is_told_in_full() {
        assert_eq!(said(2, 1, 0), "Taken back from 2, too late for 1.");
        assert_eq!(said(0, 2, 1), "Too late for 2, ended before for 1.");
        assert_eq!(said(1, 0, 0), "Taken back. It had not been opened.");
        assert!(said(0, 1, 0).starts_with("Too late"));
        assert!(said(0, 0, 1).contains("Nothing changed"));
    }
}
