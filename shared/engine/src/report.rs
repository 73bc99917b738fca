//! Report: links an execution to its incidents, and opens, updates and resolves them.

use crate::{
    case::{APPROVAL, Case},
    engine::{Engine, MAX_RACES},
    ports::{Host, ObjectStore},
    task_errors::{TaskError, too_many_races},
};
use holdfast_ledger::{
    ENGINE, Expect, Incident, IncidentKey, IncidentStatus, Ledger, Link, Put, Request, Settlement,
    handle, open, reopen,
};

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Records the end of an execution in every incident that it is linked to. Safe to repeat.
    pub(super) async fn close_case(&self, tenant: &str, case: &Case) -> Result<(), TaskError> {
        if let Some(incident) = &case.opens {
            let of_incident = |link: &&Link| link.incident == incident.id;
            self.open_incident(incident, case.links.iter().find(of_incident))
                .await?;
        }
        for link in &case.links {
            self.ledger.put_link(link).await?;
        }
        for incident in &case.approvals {
            self.resolve_ended(incident).await?;
        }
        for link in case.links.iter().filter(|link| link.is_settled()) {
            if !case.approvals.iter().any(|one| one.id == link.incident) {
                self.settle(&IncidentKey::new(tenant, &link.incident))
                    .await?;
            }
        }
        Ok(())
    }

    /// Resolves an approval's incident, which ends with its execution. If the question was written
    /// and its incident was not, records it as resolved, so that a late writer leaves it so.
    pub(super) async fn resolve_ended(&self, approval: &Incident) -> Result<(), TaskError> {
        const WHY: &str = "the execution has ended";
        let key = IncidentKey::new(&approval.tenant, &approval.id);
        let mut found = self.ledger.read(&key).await?;
        if found.is_none() {
            let request = by_engine(WHY);
            let resolved = IncidentStatus::Resolved;
            let closed = handle(approval, resolved, &request, self.host.now());
            if let Ok(Some(handled)) = closed {
                let closed = Incident { rev: 1, ..handled };
                match self.ledger.put(&closed, Expect::Absent).await? {
                    Put::Done => return Ok(()),
                    Put::Lost(winner) => found = winner.map(|winner| *winner),
                }
            }
        }
        match found {
            Some(incident) => self.resolve_incident(incident, WHY).await,
            None => Ok(()),
        }
    }

    /// Opens an incident unless it is open, and links the execution to it. Safe to repeat.
    pub(super) async fn report(&self, incident: &Incident, link: &Link) -> Result<(), TaskError> {
        self.open_incident(incident, Some(link)).await?;
        Ok(self.ledger.put_link(link).await?)
    }

    /// Opens an incident before the link is written that shows the execution, so that a repeat
    /// after a failure still finds the execution new.
    async fn open_incident(
        &self,
        incident: &Incident,
        link: Option<&Link>,
    ) -> Result<(), TaskError> {
        // Only one execution meets an approval, and its end is known by its time.
        let linked = match link {
            _ if incident.error == APPROVAL => true,
            Some(link) => self.ledger.is_linked(link).await?,
            None => false,
        };
        let mut stored: Option<Incident> = self
            .ledger
            .read(&IncidentKey::new(&incident.tenant, &incident.id))
            .await?;
        for _ in 0..MAX_RACES {
            let Some(next) = open(stored.as_ref(), incident, linked) else {
                return Ok(());
            };
            let expect = stored
                .as_ref()
                .map_or(Expect::Absent, |stored| Expect::Rev(stored.rev));
            match self.ledger.put(&next, expect).await? {
                Put::Done => return Ok(()),
                Put::Lost(winner) => stored = winner.map(|winner| *winner),
            }
        }
        Err(too_many_races("the incident"))
    }

    /// Resolves an incident if every execution that met it has come to a good end. Safe to repeat.
    pub(super) async fn settle(&self, key: &IncidentKey) -> Result<(), TaskError> {
        if self.unsettled(key).await?.is_none()
            && let Some(incident) = self.ledger.read(key).await?
        {
            let why = "every execution that met it has come to a good end";
            self.resolve_incident(incident, why).await?;
        }
        // A failure that was linked meanwhile found the incident open and wrote no more.
        let Some(unsettled) = self.unsettled(key).await? else {
            return Ok(());
        };
        let Some(incident) = self.ledger.read(key).await? else {
            return Ok(());
        };
        let last = incident.handled.last();
        let by_engine = last.is_some_and(|last| last.by == ENGINE);
        if incident.status == IncidentStatus::Resolved && by_engine {
            let next = reopen(&incident, &unsettled, self.host.now());
            // A concurrent writer has opened it, or a person has handled it.
            self.ledger.put(&next, Expect::Rev(incident.rev)).await?;
        }
        Ok(())
    }

    async fn resolve_incident(&self, mut incident: Incident, why: &str) -> Result<(), TaskError> {
        let request = by_engine(why);
        let resolved = IncidentStatus::Resolved;
        while let Ok(Some(next)) = handle(&incident, resolved, &request, self.host.now()) {
            match self.ledger.put(&next, Expect::Rev(incident.rev)).await? {
                Put::Lost(Some(winner)) => incident = *winner,
                Put::Done | Put::Lost(None) => break,
            }
        }
        Ok(())
    }

    /// The link of an execution that met the incident and has not come to a good end. Reads pages
    /// until it finds one.
    async fn unsettled(&self, incident: &IncidentKey) -> Result<Option<Link>, TaskError> {
        let (mut settlement, mut after) = (Settlement::default(), None);
        loop {
            let (links, more) = self.ledger.links_page(incident, after.as_ref()).await?;
            after = links.last().cloned();
            for link in links {
                if let Some(unsettled) = settlement.add(link) {
                    return Ok(Some(unsettled));
                }
            }
            if !more {
                return Ok(settlement.finish());
            }
        }
    }
}

fn by_engine(why: &str) -> Request {
    Request {
        by: ENGINE.to_owned(),
        reason: why.to_owned(),
    }
}
