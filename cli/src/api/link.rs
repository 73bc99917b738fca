//! The check of links that the API returned: they lead to Amazon S3, or to the host of the API.

use holdfast_ids::names::quoted;
use reqwest::Url;

/// The domains of Amazon S3 (AWS general reference, "Amazon Simple Storage Service endpoints").
const STORAGE: [&str; 2] = [".amazonaws.com", ".amazonaws.com.cn"];

/// The address of a link, if it leads to Amazon S3 or to the host of the API, which serves both on
/// the local stack. A link that leads elsewhere would let the API choose which hosts this machine
/// calls.
pub(super) fn link_to_storage(api: &str, link: &str) -> Result<Url, String> {
    let url = Url::parse(link).map_err(|_| "the API returned a link that is no URL".to_owned())?;
    let host = url.host_str().unwrap_or_default();
    let own = Url::parse(api).ok();
    let beside = |api: &Url| api.scheme() == url.scheme() && api.host_str() == Some(host);
    let is_storage = |host: &str| {
        let below = STORAGE.iter().find_map(|domain| host.strip_suffix(domain));
        let mut labels = below.unwrap_or_default().split('.');
        labels.any(|label| label == "s3" || label.starts_with("s3-"))
    };
    let stored = url.scheme() == "https" && url.port().is_none() && is_storage(host);
    if stored || own.is_some_and(|api| beside(&api)) {
        return Ok(url);
    }
    Err(format!(
        "the API returned a link to {}://{}, which is neither Amazon S3 over https nor the host of the API",
        url.scheme(),
        quoted(host)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_amazon_s3_or_to_the_host_of_the_api() {
        let (live, local) = ("https://api.example.com", "http://127.0.0.1:4599");
        for (api, link) in [
            (
                live,
                "https://bucket.s3.eu-central-1.amazonaws.com/key?X-Amz-Signature=1",
            ),
            (live, "https://bucket.s3.cn-north-1.amazonaws.com.cn/key"),
            (local, "http://127.0.0.1:4602/bucket/key"),
        ] {
            assert!(link_to_storage(api, link).is_ok(), "{link}");
        }
        for (api, link) in [
            (live, "http://bucket.s3.eu-central-1.amazonaws.com/key"),
            (live, "http://169.254.169.254/latest/meta-data"),
            (live, "https://amazonaws.com.example.org/key"),
            (live, "https://evil-amazonaws.com/key"),
            (
                live,
                "https://abc.execute-api.eu-central-1.amazonaws.com/key",
            ),
            (
                live,
                "https://bucket.s3.eu-central-1.amazonaws.com:8443/key",
            ),
            (live, "file:///etc/passwd"),
            (live, "key"),
            (local, "http://127.0.0.2:4599/key"),
        ] {
            let refused = link_to_storage(api, link).expect_err(link);
            assert!(refused.starts_with("the API returned a link"), "{refused}");
        }
    }
}
