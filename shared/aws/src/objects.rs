//! Objects in S3: payloads and receipts, each written once, and links by which a person fetches a
//! receipt.

use std::{error::Error, time::Duration};

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::get_object::GetObjectError,
    presigning::PresigningConfig,
};
use holdfast_engine::{
    ObjectStore, StoreError,
    chain::{Shelf, StoredObject},
};
use jiff::Timestamp;

use crate::failure;

/// A bucket.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
    bucket: String,
}

/// The answer to a read of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectLookup {
    /// The content.
    Found(Vec<u8>),
    /// The key is free.
    Missing,
    /// The key is free, or the caller may not read it. To a caller without `s3:ListBucket` on the
    /// whole bucket, S3 answers 403 for both ([GetObject], "Permissions"). No role but the digest
    /// function's has that permission, since it shows the keys of every tenant.
    ///
    /// [GetObject]: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    MissingOrDenied,
}

/// A link that works without credentials until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedLink {
    /// The URL.
    pub url: String,
    /// The time for which it works.
    pub valid_for: Duration,
}

impl S3Store {
    /// The bucket called `bucket`.
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self {
            client,
            bucket: bucket.into(),
        }
    }

    /// Reads an object.
    pub async fn look(&self, key: &str) -> Result<ObjectLookup, StoreError> {
        let get = self.client.get_object().bucket(&self.bucket).key(key);
        let answer = match get.send().await {
            Ok(answer) => answer,
            Err(SdkError::ServiceError(service))
                if matches!(service.err(), GetObjectError::NoSuchKey(_)) =>
            {
                return Ok(ObjectLookup::Missing);
            }
            Err(error) if error.code() == Some("AccessDenied") => {
                return Ok(ObjectLookup::MissingOrDenied);
            }
            Err(error) => return Err(unavailable(&error)),
        };
        let bytes = answer.body.collect().await;
        let bytes = bytes.map_err(|error| StoreError(error.to_string()))?;
        Ok(ObjectLookup::Found(bytes.to_vec()))
    }

    /// A link to an object, saved as `file_name` by browsers and stored by no cache.
    pub async fn presign(
        &self,
        key: &str,
        file_name: &str,
        valid_for: Duration,
    ) -> Result<PresignedLink, StoreError> {
        let config = PresigningConfig::expires_in(valid_for)
            .map_err(|error| StoreError(error.to_string()))?;
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .response_content_disposition(format!("attachment; filename=\"{file_name}\""))
            .response_cache_control("no-store")
            .presigned(config)
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(PresignedLink {
            url: request.uri().to_owned(),
            valid_for,
        })
    }

    /// The keys below `prefix` that follow `after`, in order, `limit` at most.
    pub async fn page(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let list = self.client.list_objects_v2().bucket(&self.bucket);
        let list = list.prefix(prefix).max_keys(limit as i32);
        let page = list
            .set_start_after((!after.is_empty()).then(|| after.to_owned()))
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        let contents = page.contents.unwrap_or_default();
        Ok(contents.into_iter().filter_map(|one| one.key).collect())
    }
}

impl ObjectStore for S3Store {
    async fn put_new(&self, key: &str, bytes: Vec<u8>) -> Result<bool, StoreError> {
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type("application/json")
            .if_none_match("*")
            .body(bytes.into())
            .send()
            .await;
        match put {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("PreconditionFailed") => Ok(false),
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// Reads an object. "Missing or denied" is an error, so that no caller takes a denied read for
    /// a free key. Callers retry it, since a permission can be added, or takes effect late.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.look(key).await? {
            ObjectLookup::Found(bytes) => Ok(Some(bytes)),
            ObjectLookup::Missing => Ok(None),
            ObjectLookup::MissingOrDenied => Err(StoreError(format!(
                "AccessDenied: {key} does not exist, or this function may not read it"
            ))),
        }
    }
}

impl Shelf for S3Store {
    async fn list(&self, prefix: &str, after: &str) -> Result<Vec<StoredObject>, StoreError> {
        let list = self.client.list_objects_v2().bucket(&self.bucket);
        let list = list
            .prefix(prefix)
            .set_start_after((!after.is_empty()).then(|| after.to_owned()));
        let mut pages = list.into_paginator().send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable(&error))?;
            for object in page.contents.unwrap_or_default() {
                let written_at = object
                    .last_modified
                    .and_then(|at| Timestamp::new(at.secs(), at.subsec_nanos() as i32).ok());
                let (Some(key), Some(written_at)) = (object.key, written_at) else {
                    return Err(StoreError("a listing without key or time".to_owned()));
                };
                all.push(StoredObject { key, written_at });
            }
        }
        Ok(all)
    }

    async fn folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let list = self.client.list_objects_v2().bucket(&self.bucket);
        let list = list.prefix(prefix).delimiter("/");
        let mut pages = list.into_paginator().send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable(&error))?;
            let folders = page.common_prefixes.unwrap_or_default();
            all.extend(folders.into_iter().filter_map(|folder| {
                let folder = folder.prefix?;
                let name = folder.strip_prefix(prefix)?.strip_suffix('/')?;
                Some(name.to_owned())
            }));
        }
        Ok(all)
    }
}

fn unavailable<E: ProvideErrorMetadata + Error + 'static>(error: &SdkError<E>) -> StoreError {
    StoreError(failure::reason(error))
}
