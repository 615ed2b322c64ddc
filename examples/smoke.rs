use base64::Engine as _;
use tiller_guard::k8s::review::{Webhook, answer};
use tiller_guard::policy::Settings;
fn main() {
    for f in std::env::args().skip(1) {
        let body = std::fs::read(&f).unwrap();
        for w in [Webhook::Mutate, Webhook::Validate] {
            let a = answer(w, &body, &Settings::default()).unwrap();
            let v: serde_json::Value = serde_json::from_slice(&a.body).unwrap();
            println!(
                "== {f} {} {:?} {} {} {:?}",
                w.as_str(),
                a.decision,
                a.operation,
                a.kind,
                a.record
            );
            if let Some(m) = v["response"]["status"]["message"].as_str() {
                println!("{m}");
            }
            for w in v["response"]["warnings"].as_array().into_iter().flatten() {
                println!("W {}", w.as_str().unwrap());
            }
            if let Some(p) = v["response"]["patch"].as_str() {
                let p = base64::engine::general_purpose::STANDARD.decode(p).unwrap();
                println!("{}", String::from_utf8(p).unwrap());
            }
        }
    }
}
