//! Services and their addresses in manifests.

use serde_json::json;

use super::{data, run};

#[test]
fn check_tells_where_a_service_and_its_addresses_are_wrong() {
    let text = "\
apiVersion: v1
kind: Service
metadata: {name: tiller-deploy, namespace: team}
spec:
  selector: {app: helm, name: tiller}
  type: NodePort
  ports:
  - port: 44134
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: a, namespace: team}
ports:
- port: 44134
";
    let check = run(&["check", "-", "-o", "json"], text.as_bytes());
    assert_eq!(check.code, Some(1), "{}", check.stderr);
    let report = check.json();
    for (index, rule, path, line) in [
        (0, "service-exposed", "/spec/type", 6),
        (1, "endpoints-by-hand", "/ports/0/port", 14),
    ] {
        let findings = report["objects"][index]["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert_eq!(findings[0]["rule"], rule);
        assert_eq!(findings[0]["path"], path);
        assert_eq!(findings[0]["line"], line);
    }
}

/// The versions before print no Service.
#[test]
fn the_service_of_helm_init_has_no_findings() {
    for recording in ["2.16.12-sa-ns", "2.17.0-sa-ns"] {
        let file = data(&format!("helm-init/{recording}.yaml"));
        let report = run(&["check", &file, "-o", "json"], b"").json();
        let objects = report["objects"].as_array().unwrap();
        let service = objects.iter().find(|it| it["kind"] == "Service").unwrap();
        assert_eq!(service["name"], "tiller-deploy");
        assert_eq!(service["findings"], json!([]), "{file}");
    }
}
