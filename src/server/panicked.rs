//! The answer where judging panicked.

use serde::{Deserialize, Serialize};

/// So much of a review as an answer needs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    api_version: &'a str,
    #[serde(borrow)]
    request: Request<'a>,
}

#[derive(Deserialize)]
struct Request<'a> {
    uid: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    api_version: &'a str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    status: Status,
}

#[derive(Serialize)]
struct Status {
    code: u16,
    reason: &'static str,
    message: &'static str,
}

/// A denial under the review's own uid, so that a webhook registered with `failurePolicy: Ignore` lets
/// nothing through unjudged. Nothing where the body names no uid.
pub(super) fn denial(body: &[u8]) -> Option<Vec<u8>> {
    let asked: Asked<'_> = serde_json::from_slice(body).ok()?;
    let review = Review {
        api_version: asked.api_version,
        kind: "AdmissionReview",
        response: Response {
            uid: asked.request.uid,
            allowed: false,
            status: Status {
                code: 500,
                reason: "InternalError",
                message: "tiller-guard failed to judge this object; its log says where",
            },
        },
    };
    serde_json::to_vec(&review).ok()
}

#[cfg(test)]
mod tests {
    use super::denial;

    #[test]
    fn a_denial_bears_the_reviews_uid() {
        let body = br#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1",
            "request":{"operation":"CREATE","uid":"7","object":{"deep":[1,{}]}}}"#;
        let written: serde_json::Value = serde_json::from_slice(&denial(body).unwrap()).unwrap();
        assert_eq!(written["apiVersion"], "admission.k8s.io/v1beta1");
        assert_eq!(written["response"]["uid"], "7");
        assert_eq!(written["response"]["allowed"], false);
        assert_eq!(written["response"]["status"]["code"], 500);
        assert_eq!(denial(b"{}"), None);
        assert_eq!(denial(b"["), None);
    }
}
