//! What `provision list`, `certs` and `status` show.

use serde_json::{Value, json};

use super::cluster::{World, done, make, provision};

#[tokio::test]
async fn teams_are_listed_with_their_certificates_and_their_state() {
    let _world = World::create().await;
    done(make("p-shown", &["--user=ada"]));
    let list = provision(&["list", "-o", "json"]).json();
    let team = list
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["team"] == "p-shown")
        .unwrap();
    assert_eq!(team["provisioned"], true);
    assert_eq!(team["users"], json!(["ada"]));
    let text = provision(&["list"]).stdout;
    assert!(
        text.contains(
            "p-shown  Tiller in p-shown-t as tiller  releases in p-shown  1 users, 0 groups\n"
        ),
        "{text}"
    );

    let certificates = provision(&["certs", "p-shown", "-o", "json"]).json();
    let of: Vec<_> = certificates
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["of"].as_str().unwrap(),
                it["days_left"].as_u64().unwrap(),
                it["usage"].as_str().unwrap(),
            )
        })
        .collect();
    // The first second of the last day may be over.
    let expected = [
        ("CA", 3650, "CA"),
        ("Tiller", 365, "server"),
        ("user ada", 90, "client"),
    ];
    for ((of, days, usage), (expected_of, expected_days, expected_usage)) in of.iter().zip(expected)
    {
        assert_eq!((*of, *usage), (expected_of, expected_usage));
        assert!(
            [expected_days, expected_days - 1].contains(days),
            "{of}: {days}"
        );
    }
    assert_eq!(of.len(), 3);

    let status = provision(&["status", "p-shown", "-o", "json"]).json();
    let status = &status[0];
    assert_eq!(status["tillers"][0]["version"], "2.17.0");
    assert_eq!(status["tillers"][0]["effective"]["storage"], "secret");
    let places: Vec<_> = status["rights"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["namespace"].as_str().unwrap())
        .collect();
    assert_eq!(places, ["p-shown", "p-shown-t"]);
    assert_ne!(status["last_change"], Value::Null);
    let text = provision(&["status", "p-shown"]).stdout;
    assert!(
        text.contains("version 2.17.0, storage secret, tls on, tls-verify on"),
        "{text}"
    );
    assert!(text.contains("in p-shown-t by RoleBinding tiller (Role tiller): get,list,create,update,delete secrets"), "{text}");
}
