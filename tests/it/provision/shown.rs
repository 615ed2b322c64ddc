//! What `provision list`, `certs` and `status` show.

use serde_json::{Value, json};

use super::cluster::{World, assert_tells, done, make, provision, refused};

/// The words of the line that begins with this one.
fn row<'t>(text: &'t str, first: &str) -> Vec<&'t str> {
    let rows = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.into_iter()
        .find(|row| row.first() == Some(&first))
        .unwrap_or_else(|| panic!("no {first} in\n{text}"))
}

/// What was asked for as JSON, which is a list.
fn listed(words: &[&str]) -> Vec<Value> {
    let told = done(provision(&[words, &["-o", "json"]].concat()));
    serde_json::from_str(&told).unwrap()
}

/// A day of these may be over by a second.
fn assert_days(days: &Value, expected: u64) {
    let days = days.as_u64().unwrap();
    assert!([expected, expected - 1].contains(&days), "{days}");
}

#[tokio::test]
async fn teams_are_listed_a_line_each() {
    let _world = World::create().await;
    done(make("p-listed", &["--user=ada", "--group=oidc:ops"]));
    let teams = listed(&["list"]);
    let mut team = teams
        .into_iter()
        .find(|it| it["team"] == "p-listed")
        .unwrap();
    assert_days(&team["days_left"], 90);
    for time in ["registered", "last_change"] {
        let text = team[time].as_str().unwrap().to_owned();
        assert!(text.starts_with("20") && text.ends_with('Z'), "{text}");
    }
    let fields = team.as_object_mut().unwrap();
    // Both may end in the same second.
    let first = fields["ends_first"].as_str().unwrap();
    assert!(["user ada", "group oidc:ops"].contains(&first), "{first}");
    for varying in ["days_left", "ends_first", "registered", "last_change"] {
        fields.remove(varying);
    }
    assert_eq!(
        team,
        json!({
            "team": "p-listed", "tiller_namespace": "p-listed-t", "service_account": "tiller",
            "target_namespaces": ["p-listed"], "users": ["ada"], "groups": ["oidc:ops"], "provisioned": true,
            "tiller": "progressing", "version": "2.17.0", "storage": "secret", "tls": true, "tls_verify": true,
            "due": false, "outdated": false, "unusable": [],
        })
    );
    let text = done(provision(&["list"]));
    assert!(text.starts_with("TEAM "), "{text}");
    let row = row(&text, "p-listed");
    assert_eq!(row[1..6], ["progressing", "2.17.0", "secret", "on", "on"]);
    assert_eq!(row[7..], ["p-listed-t", "p-listed", "ada,oidc:ops"]);
}

#[tokio::test]
async fn a_team_that_was_registered_by_hand_is_listed_without_a_tiller() {
    let world = World::create().await;
    let fields = json!({
        "metadata": { "labels": { "tiller-guard.io/kind": "team" } },
        "data": { "tiller-namespace": "p-hand-t", "service-account": "tiller", "target-namespaces": "p-hand" },
    });
    world
        .apply("v1", "ConfigMap", "tiller-guard", "p-hand", fields)
        .await;
    let text = done(provision(&["list"]));
    assert_eq!(
        row(&text, "p-hand")[1..],
        ["absent", "-", "-", "-", "-", "-", "p-hand-t", "p-hand", "-"]
    );
    let status = done(provision(&["status", "p-hand"]));
    assert_tells(&status, "  Tiller        absent, in p-hand-t as tiller\n");
    assert_tells(&status, "  certificates  none\n");
    let told = refused(provision(&["grant", "p-hand", "--user=ada"]), 2);
    assert_tells(
        &told,
        "the team \"p-hand\" was not made by provision: provision it first",
    );
}

#[tokio::test]
async fn certificates_are_listed_with_the_days_that_are_left() {
    let _world = World::create().await;
    done(make("p-certs", &["--user=ada"]));
    let certificates = listed(&["certs", "p-certs"]);
    let expected = [
        ("CA", 3650, "CA"),
        ("Tiller", 365, "server"),
        ("user ada", 90, "client"),
    ];
    assert_eq!(certificates.len(), expected.len());
    for (certificate, (of, days, usage)) in certificates.iter().zip(expected) {
        assert_eq!(
            (&certificate["of"], &certificate["usage"]),
            (&json!(of), &json!(usage))
        );
        assert_eq!(certificate["due"], false);
        assert_eq!(certificate["fingerprint"].as_str().unwrap().len(), 64);
        assert_days(&certificate["days_left"], days);
    }
    let text = done(provision(&["certs", "p-certs"]));
    assert!(text.starts_with("TEAM     OF        HOLDER "), "{text}");
}

#[tokio::test]
async fn a_teams_status_tells_its_effective_rights_whatever_was_asked_for() {
    let _world = World::create().await;
    done(make("p-shown", &["--user=ada"]));
    let status = &listed(&["status", "p-shown"])[0];
    assert_eq!(status["tillers"][0]["effective"]["storage"], "secret");
    let rights = status["rights"].as_array().unwrap();
    let places: Vec<_> = rights
        .iter()
        .map(|it| {
            (
                it["namespace"].as_str().unwrap(),
                it["inside"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(places, [("p-shown", true), ("p-shown-t", true)]);
    assert_eq!(
        rights[1]["rules"],
        json!(["get,list,create,update,delete secrets"])
    );
    let text = done(provision(&["status", "p-shown"]));
    for line in [
        "p-shown\n  Tiller        progressing, in p-shown-t as tiller\n",
        "  settings      version 2.17.0, storage secret, tls on, tls-verify on\n",
        " days left on the certificate of user ada, which expires first\n",
        "  releases in   p-shown\n  people        user ada\n  last change   20",
        "    in p-shown-t, by RoleBinding tiller (Role tiller)\n      get,list,create,update,delete secrets\n",
    ] {
        assert_tells(&text, line);
    }
    let told = refused(provision(&["status", "p-nobody"]), 2);
    assert_tells(
        &told,
        "there is no team \"p-nobody\": `tiller-guard provision list` lists all teams",
    );
}
