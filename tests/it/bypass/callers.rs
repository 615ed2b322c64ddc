//! Who asks the guard itself.

use std::time::Duration;

use serde_json::{Value, json};

use super::eventually;
use crate::api_server::World;
use crate::api_server::events::{events, refused};
use crate::cluster::User;
use crate::knowledge::{another_guard, asked};

/// Anybody who reaches the port can send what looks like a review: only a certificate proves the API server.
#[tokio::test]
async fn row_71_forged_reviews() {
    let world = World::create("row-71").await;
    let (mut guard, _folder) = another_guard(&["serve"], User::Admin, None);
    guard.ready().await.unwrap();
    for rule in ["host-access", "extra-commands"] {
        let mut deployment = refused(&world, rule);
        // A name that no API server takes.
        deployment["metadata"]["name"] = json!("claimed\u{1b}[31m\u{9b}1m\nforged");
        let message = asked(&guard, &world.namespace, &deployment).await;
        assert!(message.contains(rule), "{message}");
        assert!(
            message.lines().all(|it| !it.contains(char::is_control)),
            "{message:?}"
        );
    }
    eventually("lines of both reviews", || async {
        let log = guard.server.log();
        let told: Vec<_> = log.lines().filter(|it| it.contains("claimed")).collect();
        for line in &told {
            assert!(line.contains(r#"caller="unproven""#), "{line}");
            assert!(!line.contains(char::is_control), "{line:?}");
            assert!(line.contains("forged"), "{line}");
        }
        (told.len() == 2).then_some(())
    })
    .await;
    // The same guard writes its Events within 50 ms for who is proven: see above.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(events(&world).await, [Value::Null; 0]);

    let trusting = ["serve", "--trust-network"];
    let (mut trusting, _folder) = another_guard(&trusting, User::Admin, None);
    trusting.ready().await.unwrap();
    let deployment = refused(&world, "host-access");
    let message = asked(&trusting, &world.namespace, &deployment).await;
    assert!(message.contains("host-access"), "{message}");
    eventually("an event", || async {
        (!events(&world).await.is_empty()).then_some(())
    })
    .await;
    assert!(!trusting.server.log().contains("unproven"));
}
