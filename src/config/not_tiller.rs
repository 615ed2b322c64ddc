//! The exemptions of a policy file: images and workloads that are not Tillers.

use super::reader::{Field, PolicyReader, quoted};
use super::{section, value};
use crate::policy::{Innocent, NotTiller, Settings};

/// Reads an entry: an image or a workload, with the reason. Tiller's own images cannot be exempted.
pub(super) fn not_tiller(
    reader: &mut PolicyReader<'_>,
    field: &Field<'_>,
    settings: &Settings,
) -> Option<NotTiller> {
    let entry = reader.section(field, &section::NOT_TILLER)?;
    let what = match (entry.get("image"), entry.get("workload")) {
        (Some(image), None) => {
            let image = reader.parsed(&image, |text| {
                let image = value::image_or_repository(text)?;
                if settings.has_tillers_image(&image) {
                    return Err(format!(
                        "\"{}\" is an image of Tiller; remove this entry, or exempt one Tiller from one rule under exceptions",
                        quoted(text)
                    ));
                }
                Ok(image)
            });
            image.map(|image| Innocent::Image(image.to_string()))
        }
        (None, Some(workload)) => named_workload(reader, &workload),
        _ => {
            reader.bad(field, "name either an image or a workload");
            None
        }
    };
    let reason = entry.wanted("reason", reader);
    let reason = reason.and_then(|it| reader.text(&it));
    Some(NotTiller {
        what: what?,
        reason: reason?.to_owned(),
    })
}

fn named_workload(reader: &mut PolicyReader<'_>, field: &Field<'_>) -> Option<Innocent> {
    let entry = reader.section(field, &section::OBJECT)?;
    let kind = entry.wanted("kind", reader);
    let kind = kind.and_then(|it| reader.parsed(&it, value::workload));
    let namespace = entry.wanted("namespace", reader);
    let namespace = namespace.and_then(|it| reader.parsed(&it, value::namespace));
    let name = entry.wanted("name", reader);
    let name = name.and_then(|it| reader.parsed(&it, value::name));
    Some(Innocent::Workload {
        kind: kind?,
        namespace: namespace?,
        name: name?,
    })
}
