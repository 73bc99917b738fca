//! The values of a deployment's parameters: set, decided, and no placeholders.

use holdfast_action::Check;

use super::{Finding, settings::Settings};

/// Parameters that a deployer decides, each with the choices. A default would decide silently.
const DECISIONS: [(&str, &str); 3] = [
    (
        "AlarmTopicArn",
        "the ARN of the SNS topic that alarms notify, or none",
    ),
    (
        "IncidentTopicArn",
        "the ARN of the SNS topic that receives incidents, or none",
    ),
    (
        "ReceiptLockDays",
        "the number of days that receipts are locked, or 0 outside of production",
    ),
];
/// Ends of host names that are reserved for documents and tests: RFC 2606, RFC 6761.
const RESERVED: [&str; 7] = [
    "example.com",
    "example.net",
    "example.org",
    "example",
    "invalid",
    "test",
    "localhost",
];
/// Account ids of AWS's documents.
const ACCOUNTS: [&str; 3] = ["123456789012", "111122223333", "000000000000"];

/// Checks the parameters of a deployment.
pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    let place = settings.place();
    let mut found = Vec::new();
    for (name, value) in &settings.set {
        let Some(_) = settings.declared.get(name) else {
            let why = "template.yaml has no such parameter, and sam deploy would ignore it: correct \
                       its name";
            let what = format!("{name} is a parameter");
            found.push((place.clone(), Check::of::<()>(what, Err(why))));
            continue;
        };
        let checked = placeholder(value).and_then(|()| region(value, settings.region.as_deref()));
        // A decision that is empty has a finding of its own.
        if !value.is_empty() {
            found.push((place.clone(), Check::of(format!("{name} is set"), checked)));
        }
    }
    for name in settings.declared.keys() {
        if settings.value(name).is_none() {
            let why = "it has no default: add Name=value to parameter_overrides";
            let what = format!("{name} is set");
            found.push((place.clone(), Check::of::<()>(what, Err(why))));
        }
    }
    for (name, choices) in DECISIONS {
        let undecided = settings.set.get(name).is_none_or(|value| value.is_empty());
        if undecided && settings.declared.contains_key(name) {
            let why = format!("it is empty or missing: set {choices}");
            let what = format!("{name} is decided");
            found.push((place.clone(), Check::of::<()>(what, Err(why))));
        }
    }
    if let Some(why) = unlocked(&settings.environment, settings.set.get("ReceiptLockDays")) {
        let what = "ReceiptLockDays locks receipts";
        found.push((place.clone(), Check::of::<()>(what, Err(why))));
    }
    let events = (
        settings.value("AuditStepEvents"),
        settings.value("AuditArchive"),
    );
    if let Some(why) = unarchived(&settings.environment, events) {
        let what = "step events are stored";
        found.push((place, Check::of::<()>(what, Err(why))));
    }
    found
}

/// True for an environment of production, by its name.
pub(super) fn is_production(environment: &str) -> bool {
    environment.to_ascii_lowercase().starts_with("prod")
}

/// The reason why receipts of a production deployment are not protected, if they are not.
fn unlocked(environment: &str, days: Option<&String>) -> Option<String> {
    let none = days.is_some_and(|days| days.trim().parse() == Ok(0));
    (is_production(environment) && none).then(|| {
        "it is 0, so that people who may delete objects can delete a receipt: set the number of \
         days for which receipts are evidence, such as 365"
            .to_owned()
    })
}

/// The reason why the step events of a production deployment are stored nowhere, if they are not:
/// the values of AuditStepEvents and AuditArchive.
fn unarchived(environment: &str, events: (Option<&str>, Option<&str>)) -> Option<&'static str> {
    let none = matches!(events, (Some("archive" | "batch"), Some("false")));
    (is_production(environment) && none).then_some(
        "AuditStepEvents is batch or archive, and AuditArchive is false: set AuditArchive=true, or \
         AuditStepEvents to events or off",
    )
}

/// Refuses a placeholder for a value that the deployer writes.
fn placeholder(value: &str) -> Result<(), String> {
    for part in value.split(',').map(str::trim) {
        let (_, address) = part.split_once("://").unwrap_or(("", part));
        let host = address.split(['/', ':', '?']).next().unwrap_or_default();
        let host = host.to_ascii_lowercase();
        let within = |end: &&&str| {
            let label = host.strip_suffix(**end);
            label.is_some_and(|label| label.is_empty() || label.ends_with('.'))
        };
        let reserved = RESERVED.iter().find(within);
        if let Some(end) = reserved.filter(|_| part.contains("://")) {
            return Err(format!(
                "{part:?} is a placeholder, because no public host's name ends in {end}: write your own"
            ));
        }
        if part.starts_with("arn:") && part.split(':').any(|word| ACCOUNTS.contains(&word)) {
            return Err(format!(
                "{part:?} is a placeholder, because its account id is one of AWS's documents: \
                 write your own"
            ));
        }
        if part.starts_with('<') || part.to_ascii_uppercase().contains("REPLACE") {
            return Err(format!("{part:?} is a placeholder: write your own"));
        }
    }
    Ok(())
}

/// Refuses an ARN of another region. Alarms, rules and keys reach only their own.
fn region(value: &str, region: Option<&str>) -> Result<(), String> {
    for arn in value.split(',').filter(|part| part.starts_with("arn:")) {
        let of = arn.split(':').nth(3).unwrap_or_default();
        if let Some(region) = region.filter(|region| !of.is_empty() && *region != of) {
            return Err(format!(
                "{arn:?} is in {of}, and the stack in {region}: alarms, rules and functions use \
                 topics and keys of their own region"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{placeholder, region, unarchived, unlocked};

    #[test]
    fn addresses_and_arns_of_documents_are_placeholders() {
        for value in [
            "https://login.example.com/",
            "https://a.internal, https://*.EXAMPLE.com:8443/v1",
            "https://idp.test",
            "http://localhost:3000",
            "arn:aws:sns:us-east-1:123456789012:alarms",
            "<your issuer>",
            "https://REPLACE.me",
        ] {
            placeholder(value).expect_err(value);
        }
        for value in [
            "https://example.company.com",
            "https://notexample.com/test",
            "holdfast",
            "none",
            "10.1.0.0/16",
            "arn:aws:sns:us-east-1:210987654321:alarms",
        ] {
            assert_eq!(placeholder(value), Ok(()), "{value}");
        }
    }

    #[test]
    fn production_locks_its_receipts() {
        let days = |days: &str| Some(days.to_owned());
        for environment in ["production", "prod-eu", "Production"] {
            let why = unlocked(environment, days("0").as_ref()).expect(environment);
            assert!(why.contains("it is 0"), "{why}");
            assert_eq!(unlocked(environment, days("365").as_ref()), None);
        }
        assert_eq!(unlocked("staging", days("0").as_ref()), None);
        assert_eq!(
            unlocked("production", None),
            None,
            "that has a finding of its own"
        );
    }

    #[test]
    fn production_stores_the_step_events_that_it_publishes_for_an_archive() {
        for events in ["archive", "batch"] {
            let without = (Some(events), Some("false"));
            let why = unarchived("production", without).expect("they are stored nowhere");
            assert!(why.contains("AuditArchive=true"), "{why}");
            assert_eq!(unarchived("staging", without), None);
        }
        for stored in [("archive", "true"), ("events", "false"), ("off", "false")] {
            let (events, archive) = stored;
            assert_eq!(unarchived("prod", (Some(events), Some(archive))), None);
        }
    }

    #[test]
    fn an_arn_of_another_region_is_refused() {
        let topic = "arn:aws:sns:eu-west-1:210987654321:alarms";
        assert_eq!(region(topic, Some("eu-west-1")), Ok(()));
        let why = region(topic, Some("us-east-1")).expect_err("another region");
        assert!(
            why.contains("is in eu-west-1, and the stack in us-east-1"),
            "{why}"
        );
    }
}
