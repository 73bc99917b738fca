//! `holdfast delegations`: the requests that name and remove a stand-in.

use serde_json::json;

use crate::doors::{Server, TOKEN, ok, run};

#[test]
fn a_stand_in_is_named_under_the_escaped_name_of_the_group() {
    let change = json!({
        "group": "cfo / EU?", "by": "ann", "to": "bob", "from": "2026-11-24T11:57:00Z",
        "until": "2026-12-24T00:00:00Z", "reason": "on leave", "at": "2026-11-24T11:57:00Z",
        "in_force": true, "removed": false, "replayed": false,
    });
    let server = Server::start(move |_| ok(change.clone()));
    let set = [
        "delegations",
        "set",
        "cfo / EU?",
        "--to",
        "bob",
        "--until",
        "2026-12-24T00:00:00Z",
        "--reason",
        "on leave",
    ];
    let output = run(&server.address, TOKEN, &set);
    assert_eq!((output.code, server.requests().len()), (Some(5), 0));
    let why = "bob decides for cfo / EU? in your place, from now until 2026-12-24T00:00:00Z.\n";
    assert!(output.err.contains(why), "{}", output.err);
    for (args, line) in [
        (&set[..], "PUT /v1/delegations/cfo%20%2F%20EU%3F HTTP/1.1"),
        (
            &["delegations", "remove", "cfo / EU?"],
            "DELETE /v1/delegations/cfo%20%2F%20EU%3F HTTP/1.1",
        ),
    ] {
        let output = run(&server.address, TOKEN, &[args, &["--yes"]].concat());
        assert_eq!(output.code, Some(0), "{}", output.err);
        let requests = server.requests();
        let request = requests.last().expect("a request");
        assert!(request.starts_with(line), "{request}");
    }
    let body = r#"{"to":"bob","until":"2026-12-24T00:00:00Z","reason":"on leave"}"#;
    assert!(server.requests()[0].ends_with(body));
    let output = run(
        &server.address,
        TOKEN,
        &["delegations", "remove", "", "--yes"],
    );
    assert_eq!((output.code, server.requests().len()), (Some(2), 2));
}
