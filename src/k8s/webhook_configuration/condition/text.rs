//! Pieces of CEL text.

/// The only list that an API server writes as null if it is empty (`containers` has no `omitempty` in Kubernetes).
const NULL_LIST: &str = "containers";

/// The last of these, which is a list, where all before it hold; else an empty one.
pub(super) fn guarded(parts: &[String]) -> String {
    match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, guards)) => format!("({} ? {last} : [])", guards.join(" && ")),
        None => "[]".to_owned(),
    }
}

pub(super) fn list_of_one(parent: &str, field: &str) -> String {
    format!("({} ? [{parent}.{field}] : [])", present(parent, field))
}

/// A field of an object that is a list; an empty one if it is absent.
pub(super) fn list(parent: &str, field: &str) -> String {
    let null = if field == NULL_LIST {
        format!(" && {parent}.{field} != null")
    } else {
        String::new()
    };
    format!("({}{null} ? {parent}.{field} : [])", present(parent, field))
}

/// Whether an object has a field. API servers build the object of a condition from their own types. These omit null fields,
/// with one exception: [`NULL_LIST`].
pub(super) fn present(parent: &str, field: &str) -> String {
    format!("has({parent}.{field})")
}

/// Whether a name matches one of these patterns, with a `*` at the end for anything.
pub(super) fn matches_pattern(name: &str, patterns: &[String]) -> String {
    let either: Vec<String> = patterns
        .iter()
        .map(|pattern| match pattern.strip_suffix('*') {
            Some(start) => format!("{name}.startsWith({})", quoted(start)),
            None => format!("{name} == {}", quoted(pattern)),
        })
        .collect();
    if either.is_empty() {
        return "false".to_owned();
    }
    either.join(" || ")
}

/// A list of these words.
pub(super) fn words(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(", "))
}

pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\\', "\\\\").replace('\'', "\\'"))
}
