//! The names that a deployment gives to resources, against the lengths that AWS allows.

use holdfast_action::Check;

use super::{Finding, settings::Settings};

/// The most characters of names, by the template's property and, for `Name`, by the type.
///
/// From AWS's service models (botocore 1.43), and from their prose for functions (Lambda:
/// CreateFunction, "limited to 64 characters"), dashboards (CloudWatch: PutDashboard, 255), APIs
/// and queues. `Name` of a function's event is a rule's.
const LIMITS: [(&str, &str, usize); 14] = [
    ("FunctionName", "", 64),
    ("Name", "AWS::Serverless::StateMachine", 80),
    ("Name", "AWS::StepFunctions::StateMachine", 80),
    ("Name", "AWS::Events::EventBus", 256),
    ("Name", "AWS::ApiGatewayV2::Api", 128),
    ("Name", "", 64),
    ("DashboardName", "", 255),
    ("LogGroupName", "", 512),
    ("QueueName", "", 80),
    ("AlarmName", "", 255),
    ("TopicName", "", 256),
    ("TableName", "", 255),
    ("RoleName", "", 64),
    ("BucketName", "", 63),
];
/// The most characters of a stack's name: docs.aws.amazon.com/AWSCloudFormation/latest/
/// UserGuide/cfn-console-create-stack.html.
const STACK: usize = 128;

/// Checks the stack's name and every name of the template that contains it.
pub(super) fn findings(settings: &Settings, template: &str) -> Vec<Finding> {
    let place = settings.place();
    let Some(stack) = settings.stack_name.as_deref() else {
        let why = "it is missing: set stack_name, or use --stack-name";
        return vec![(place, Check::of::<()>("the stack has a name", Err(why)))];
    };
    let mut found = vec![(
        place.clone(),
        Check::of(
            format!("{stack:?} can be a stack's name"),
            check_stack(stack),
        ),
    )];
    let region = settings.region.as_deref().unwrap_or_default();
    let names = names(template, stack, region);
    let long: Vec<_> = names.iter().filter(|name| name.over() > 0).collect();
    for name in &long {
        let (text, over) = (&name.text, name.over());
        let why = format!(
            "it has {} characters, and AWS allows {}: shorten the stack's name or the \
             workflow's id by {over}",
            text.len(),
            name.limit
        );
        let what = format!("{} of {}, {text:?}, fits", name.property, name.resource);
        found.push(("template.yaml".to_owned(), Check::of::<()>(what, Err(why))));
    }
    if long.is_empty() {
        let longest = names.iter().map(|name| name.limit - name.text.len()).min();
        let what = format!(
            "{} names of resources fit, with {} characters left",
            names.len(),
            longest.unwrap_or_default()
        );
        found.push((place, Check::of(what, Ok::<_, &str>(()))));
    }
    found
}

fn check_stack(stack: &str) -> Result<(), String> {
    let letters = stack.starts_with(|c: char| c.is_ascii_alphabetic())
        && stack.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match (letters, stack.len() <= STACK) {
        (true, true) => Ok(()),
        (false, _) => {
            Err("a stack's name has letters, digits and hyphens, a letter first".to_owned())
        }
        (true, false) => Err(format!(
            "it has {} characters, and AWS allows {STACK}",
            stack.len()
        )),
    }
}

/// A name that a resource of the template gets.
struct ResourceName<'a> {
    resource: &'a str,
    property: &'static str,
    text: String,
    limit: usize,
}

impl ResourceName<'_> {
    /// The number of characters over the limit.
    fn over(&self) -> usize {
        self.text.len().saturating_sub(self.limit)
    }
}

/// The names of the template that contain the stack's name.
fn names<'a>(template: &'a str, stack: &str, region: &str) -> Vec<ResourceName<'a>> {
    let (mut resource, mut kind, mut found) = ("", "", Vec::new());
    for line in template.lines() {
        let inner = line.strip_prefix("  ").unwrap_or_default();
        if let Some((id, _)) = inner
            .split_once(':')
            .filter(|_| !inner.starts_with([' ', '#']))
        {
            (resource, kind) = (id, "");
        }
        kind = line.strip_prefix("    Type: ").map_or(kind, str::trim);
        // Each property has one row without a type, for the types that no other row names.
        for (property, _, other) in LIMITS.iter().filter(|row| row.1.is_empty()) {
            if let Some(text) = value(line, property) {
                let of = LIMITS
                    .iter()
                    .find(|row| row.0 == *property && row.1 == kind);
                let limit = of.map_or(*other, |row| row.2);
                let text = text.replace("${AWS::StackName}", stack);
                let text = text.replace("${AWS::Region}", region);
                found.push(ResourceName {
                    resource,
                    property,
                    text,
                    limit,
                });
            }
        }
    }
    found
}

/// The value of a property in a line, if it is made of the stack's name.
fn value<'a>(line: &'a str, property: &str) -> Option<&'a str> {
    let (before, after) = line.split_once(&format!("{property}: "))?;
    if before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    if after.starts_with("!Ref AWS::StackName") {
        return Some("${AWS::StackName}");
    }
    let (text, _) = after.strip_prefix("!Sub \"")?.split_once('"')?;
    text.contains("${AWS::StackName}").then_some(text)
}
