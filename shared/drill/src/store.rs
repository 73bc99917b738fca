//! The object stores as a process reaches them: payloads and receipts.

use holdfast_engine::{ObjectStore, StoreError};

use crate::{outage::Service, process::Process};

/// The objects that a process reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bucket {
    Payloads,
    Receipts,
}

/// An object store as a process reaches it. Writing a receipt counts as a write.
pub(crate) struct Store(pub(crate) Process, pub(crate) Bucket);

impl Store {
    fn objects(&self) -> &crate::world::Objects {
        match self.1 {
            Bucket::Payloads => &self.0.world().payloads,
            Bucket::Receipts => &self.0.world().receipts,
        }
    }
}

impl ObjectStore for Store {
    async fn put_new(&self, key: &str, bytes: Vec<u8>) -> Result<bool, StoreError> {
        let write = self.1 == Bucket::Receipts;
        self.0.world().meter(|meter| meter.object(true));
        let put = self.objects().put_new(key, bytes);
        let answer = self.0.call(Service::Store, write, put).await;
        answer.ok_or_else(|| StoreError("it throttles".to_owned()))?
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.world().meter(|meter| meter.object(false));
        let get = self.objects().get(key);
        let answer = self.0.call(Service::Store, false, get).await;
        answer.ok_or_else(|| StoreError("it throttles".to_owned()))?
    }
}
