//! Every record that Tiller stored is read, and written back.

use buffa::Message as _;
use serde_json::value::to_raw_value;
use tiller_guard::releases::{Record, compress, decode, encode, message, named};

use super::recordings;

#[test]
fn each_record_decodes_and_encodes_to_the_same_message() {
    let mut records = 0;
    for recording in recordings() {
        for object in recording.records() {
            let name = format!("{} {}", recording.name(), object["metadata"]["name"]);
            let record = Record::read(&to_raw_value(&object).unwrap(), None).unwrap();
            let text = record.text.as_ref().unwrap();
            let release = decode(text).unwrap();
            let stored = message(text).unwrap();
            assert_eq!(release.encode_to_vec(), stored, "{name}");
            let again = encode(&release).unwrap();
            assert_eq!(message(again.as_bytes()).unwrap(), stored, "{name}");
            assert_eq!(
                named(&record.name),
                Some((release.name.as_str(), release.version))
            );
            records += 1;
        }
    }
    assert!(records >= 190, "{records}");
}

/// Tiller 2.17.0 keeps fields that it does not know.
#[test]
fn unknown_fields_are_kept_at_every_level() {
    let recording = recordings()
        .into_iter()
        .find(|it| it.name() == "2.17.0-configmap-k8s1.20/hooks")
        .unwrap();
    let object = &recording.records()[0];
    let text = object["data"]["release"].as_str().unwrap();
    let release = decode(text.as_bytes()).unwrap();
    // Field 99, of a length of 3 bytes.
    let unknown = [0x9a, 0x06, 0x03, b'n', b'e', b'w'];
    let mut changed = release.clone();
    let with = |message: &[u8]| [message, &unknown].concat();
    changed.hooks[0] =
        buffa::Message::decode_from_slice(&with(&release.hooks[0].encode_to_vec())).unwrap();
    let bytes = with(&changed.encode_to_vec());
    let again = decode(compress(&bytes).unwrap().as_bytes()).unwrap();
    assert_eq!(again.encode_to_vec(), bytes);
    assert_ne!(again, release);
}
