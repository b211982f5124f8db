//! The two loops: memory follows the table, and due names are ordered.

use crate::{
    Settings,
    account::Accounts,
    budget,
    follow::Follower,
    order::{self, Got, other},
    pause::{after_refusal, jittered, renew_at, while_away},
    trouble::Trouble,
};
use edge::{Challenges, Names};
use kernel::{Fault, HostName, Time};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{Db, Issued, NameState, Order, Wanted, WantedBy};
use tokio::{
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

/// Longer than an order may take.
const LEASE: Duration = Duration::from_secs(180);
/// Orders at one time, of this process.
const AT_ONCE: usize = 8;
/// Between two looks at the table, when nobody asks for one ...
const LOOK: Duration = Duration::from_secs(1);
/// ... and when everybody does.
const LOOK_LEAST: Duration = Duration::from_millis(100);
const TELL: Duration = Duration::from_secs(30);
/// On the way out.
const FINISH_TIME: Duration = Duration::from_secs(10);
/// After the CA said that we ask too often.
const LIMITED_PAUSE: Duration = Duration::from_secs(3_600);
/// Names that wait for a budget do not all come the moment it is free.
const SPREAD: Duration = Duration::from_secs(600);

/// Certificates by themselves, for one process. Clones share everything.
#[derive(Clone)]
pub struct Acme(Arc<Inner>);

struct Inner {
    db: Db,
    settings: Arc<Settings>,
    names: Names,
    challenges: Challenges,
    accounts: Accounts,
    away: Mutex<Away>,
}

/// Whether the CA answers.
#[derive(Clone, Copy, Default)]
struct Away {
    times: u32,
    until: Time,
}

impl Acme {
    /// Certificates go into `names`.
    pub fn new(db: Db, settings: Settings, names: Names) -> Result<Acme, Fault> {
        let settings = Arc::new(settings);
        let accounts = Accounts::new(settings.clone())?;
        let (challenges, away) = (Challenges::default(), Mutex::default());
        Ok(Acme(Arc::new(Inner { db, settings, names, challenges, accounts, away })))
    }

    /// What CAs are answered, for the listeners.
    pub fn challenges(&self) -> Challenges {
        self.0.challenges.clone()
    }

    /// The site's own names are these from now on; what it wanted before and wants no more is let go.
    pub async fn want_for_the_site(&self, names: &[HostName]) -> Result<(), Fault> {
        let certificates = self.0.db.certificates();
        for NameState { name, .. } in certificates.of(WantedBy::Site).await? {
            if !names.contains(&name) {
                certificates.unwant(&name, WantedBy::Site).await?;
                tracing::info!(%name, "no certificate is kept for this name any more");
            }
        }
        for name in names {
            if certificates.want(name, WantedBy::Site).await? == Wanted::Taken {
                tracing::warn!(%name, "a tenant or the operator's command had this name before the configuration; it stays theirs");
            }
        }
        Ok(())
    }

    /// Runs until `stop`, then finishes the orders in hand (10 s at most). `first`: their certificates are shown when this answers; the
    /// others follow.
    pub async fn start(&self, first: &[HostName], stop: CancellationToken) -> Result<JoinHandle<()>, Fault> {
        let Inner { db, settings, names, challenges, .. } = &*self.0;
        let mut follower = Follower::new(db.clone(), names.clone(), challenges.clone(), settings.unnamed.clone());
        let filling = names.filling();
        follower.take_up_first(first).await?;
        let acme = self.clone();
        Ok(tokio::spawn(async move {
            let following = async {
                let first_look = follower.fill(&filling).await;
                drop(filling);
                acme.follow(follower, first_look, &stop).await;
            };
            tokio::join!(following, acme.order_due(&stop), acme.tell(&stop));
        }))
    }

    async fn follow(&self, mut follower: Follower, mut last: Result<(), Fault>, stop: &CancellationToken) {
        let mut well = true;
        loop {
            if let Err(fault) = &last
                && well
            {
                tracing::error!(%fault, "certificates and challenges are not followed at the moment");
            }
            well = last.is_ok();
            tokio::time::sleep(LOOK_LEAST).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.0.challenges.wanted() => {}
                () = self.0.names.wanted() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            last = follower.look().await;
        }
    }

    async fn order_due(&self, stop: &CancellationToken) {
        let (slots, mut running) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
        while stop.run_until_cancelled(self.rest(&slots)).await.is_some() {
            while running.try_join_next().is_some() {}
            match self.take(slots.available_permits()).await {
                Ok(orders) => {
                    for order in orders {
                        let (acme, slot) = (self.clone(), slots.clone().acquire_owned().await);
                        running.spawn(async move {
                            acme.carry_out(&order).await;
                            drop(slot);
                        });
                    }
                }
                Err(fault) => tracing::error!(%fault, "names that are due cannot be read; trying again"),
            }
        }
        let all = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout(FINISH_TIME, all).await.is_err() {
            tracing::warn!(left = running.len(), "some orders did not finish in time; they are ordered again when their lease ends");
        }
    }

    async fn rest(&self, slots: &Semaphore) {
        tokio::time::sleep(LOOK_LEAST).await;
        if slots.available_permits() == AT_ONCE {
            tokio::time::sleep(LOOK - LOOK_LEAST).await;
        }
    }

    async fn take(&self, free: usize) -> Result<Vec<Order>, Fault> {
        let Away { times, until } = *self.away();
        if free == 0 || self.0.db.clock().now() < until {
            return Ok(Vec::new());
        }
        // One asks whether the CA is back.
        let most = if times > 0 { 1 } else { free as u64 };
        self.0.db.certificates().take_due(most, LEASE).await
    }

    /// One order from budget to table.
    async fn carry_out(&self, order: &Order) {
        let ended = match self.try_it(order).await {
            Ok(None) => {
                self.away().times = 0;
                Ok("issued")
            }
            Ok(Some(until)) => self.put_off(order, until).await,
            Err(trouble) => self.give_up(order, trouble).await,
        };
        match ended {
            Ok(end) => metrics::counter!("countersign_certificate_orders_total", "end" => end).increment(1),
            Err(fault) => tracing::error!(%fault, name = %order.name, "the end of an order was not written down; it is ordered again"),
        }
    }

    /// `Some`: a budget holds it until then.
    async fn try_it(&self, order: &Order) -> Result<Option<Time>, Trouble> {
        let Inner { db, settings, accounts, .. } = &*self.0;
        if let Some(until) = budget::held(db, &settings.budgets, order).await? {
            return Ok(Some(until));
        }
        let way = if order.tries.is_multiple_of(2) { settings.prefer } else { other(settings.prefer) };
        let ordering = async {
            let known = accounts.get(db).await?;
            let got = order::order(db, &known.account, &order.name, way).await;
            if let Err(Trouble::NoAccount(_)) = &got {
                accounts.forget(db, &known).await?;
            }
            got
        };
        let late = || Err(Trouble::Away(format!("it did not finish within {} seconds", order::TIME.as_secs())));
        let got = tokio::time::timeout(order::TIME, ordering).await.unwrap_or_else(|_| late())?;
        self.keep(order, &got).await?;
        Ok(None)
    }

    async fn keep(&self, order: &Order, got: &Got) -> Result<(), Fault> {
        let (db, not_before, not_after) = (&self.0.db, got.certificate.not_before, got.certificate.not_after);
        let renew_at = renew_at(not_before, not_after, db.clock().now(), db.chance());
        let issued = Issued { chain: &got.chain, key: &got.key, not_before, not_after, renew_at };
        match db.certificates().issued(order, &issued).await? {
            true => tracing::info!(name = %order.name, until = %not_after, renewal = order.renews.is_some(), "a certificate was issued"),
            false => tracing::info!(name = %order.name, "a certificate came for a name that is wanted no more"),
        }
        Ok(())
    }

    async fn put_off(&self, order: &Order, until: Time) -> Result<&'static str, Fault> {
        let at = until.plus(Duration::from_millis(self.0.db.chance().below(SPREAD.as_millis() as u64)));
        let said = "More names were added than we order certificates for at a time. This one is in line.";
        self.0.db.certificates().failed(order, said, at, false).await?;
        Ok("waits")
    }

    async fn give_up(&self, order: &Order, trouble: Trouble) -> Result<&'static str, Fault> {
        let Inner { db, settings, .. } = &*self.0;
        if matches!(trouble, Trouble::Away(_) | Trouble::NoAccount(_)) {
            budget::give_back(db, &settings.budgets, order).await?;
        } else {
            self.away().times = 0;
        }
        let (end, said, pause, counts) = match trouble {
            Trouble::Refused(said) => ("refused", said, after_refusal(order.tries.saturating_add(1), db.chance()), true),
            Trouble::Limited(said) => {
                let grown = after_refusal(order.tries.saturating_add(1), db.chance());
                ("limited", said, grown.max(jittered(LIMITED_PAUSE * 4 / 3, db.chance())), true)
            }
            Trouble::NoAccount(said) => ("away", said, LOOK, false),
            Trouble::Away(said) => ("away", format!("The certificate authority did not answer: {said}"), self.wait_for_the_ca(), false),
            Trouble::Fault(fault) => {
                tracing::error!(%fault, name = %order.name, "an order failed through our own fault");
                ("fault", "It failed through a fault of ours.".to_owned(), after_refusal(order.tries.saturating_add(1), db.chance()), true)
            }
        };
        tracing::warn!(name = %order.name, end, said, seconds = pause.as_secs(), "no certificate yet; trying again");
        db.certificates().failed(order, &said, db.clock().now().plus(pause), counts).await?;
        Ok(end)
    }

    /// Nobody's order is taken until then: the CA is away for all names alike.
    fn wait_for_the_ca(&self) -> Duration {
        let now = self.0.db.clock().now();
        let mut away = self.away();
        if now < away.until {
            return away.until.since(now);
        }
        away.times = away.times.saturating_add(1);
        let pause = while_away(away.times, self.0.db.chance());
        away.until = now.plus(pause);
        pause
    }
    fn away(&self) -> std::sync::MutexGuard<'_, Away> {
        self.0.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers for the operator, and rows that nobody needs any more.
    async fn tell(&self, stop: &CancellationToken) {
        let mut pause = LOOK;
        while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
            if let Err(fault) = self.tell_once().await {
                tracing::warn!(%fault, "certificates are not counted at the moment");
            }
            pause = TELL;
        }
    }

    async fn tell_once(&self) -> Result<(), Fault> {
        let (certificates, now) = (self.0.db.certificates(), self.0.db.clock().now());
        let expiry = certificates.expiry().await?;
        for (state, count) in [("wanted", expiry.wanted), ("live", expiry.live), ("failing", expiry.failing), ("late", expiry.late)] {
            metrics::gauge!("countersign_certificates", "state" => state).set(count as f64);
        }
        if let Some(end) = expiry.first_end {
            metrics::gauge!("countersign_certificate_expires_seconds").set((end.0 - now.0) as f64 / 1e3);
        }
        if expiry.late > 0 {
            tracing::warn!(names = expiry.late, first_end = ?expiry.first_end, "certificates end soon and were not renewed");
        }
        certificates.sweep().await.map(|_| ())
    }
}
