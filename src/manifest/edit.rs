//! A changed value put into the text that it was read from, so that comments and layout stay.
//!
//! Only what changed is written anew, line by line in block style. Whatever is too intricate for that
//! (flow style, aliases, merges, block scalars) is written anew as a whole, from the innermost mapping
//! entry or list item that holds it. The result is read again: an edit that does not give exactly the
//! changed value is none.

use std::ops::Range;

use serde_json::{Map, Value};

use super::comments;
use super::emit;
use super::node::{Content, Entry, Node, Style};
use super::stream::Document;
use super::yaml;

impl Document {
    /// The document's text with `value` in it, given its text as it was read. None where that cannot be
    /// done and the value has to be written anew, without comments.
    pub fn edited(&self, text: &str, value: &Value) -> Option<String> {
        let mut editor = Editor {
            text,
            edits: Vec::new(),
        };
        editor.change(&self.root, value, text.len())?;
        let edited = editor.apply()?;
        let (root, duplicates) = yaml::read(&edited, self.head).ok()??;
        (root.to_value() == *value && duplicates.is_empty()).then_some(edited)
    }
}

struct Editor<'a> {
    text: &'a str,
    edits: Vec<(Range<usize>, String)>,
}

/// A piece of text that one entry or item takes up, from its first byte to the line feed of its last line.
type Span = Range<usize>;

impl Editor<'_> {
    /// Turns a node into `new`; what follows it begins at `end`. None where only the parent can.
    fn change(&mut self, node: &Node, new: &Value, end: usize) -> Option<()> {
        if node.to_value() == *new {
            return Some(());
        }
        match (&node.content, new) {
            (Content::Mapping(entries, Style::Block), Value::Object(map)) => {
                self.mapping(entries, map, end)
            }
            (Content::List(items, Style::Block), Value::Array(values)) => {
                self.list(items, values, end)
            }
            (Content::Scalar(_, scalar_end), _) => {
                let range = node.start?..(*scalar_end)?;
                let old = self.text.get(range.clone())?;
                if old.is_empty() || old.contains('\n') {
                    return None;
                }
                self.edits.push((range, emit::inline(new)?));
                Some(())
            }
            _ => None,
        }
    }

    fn mapping(&mut self, entries: &[Entry], map: &Map<String, Value>, end: usize) -> Option<()> {
        let indent = entries.first()?.place.column - 1;
        let starts: Vec<usize> = entries
            .iter()
            .map(|entry| entry.start)
            .collect::<Option<_>>()?;
        if map.is_empty() || !starts.is_sorted() {
            return None;
        }
        let spans = self.spans(&starts, end);
        for (entry, span) in entries.iter().zip(&spans) {
            match map.get(&entry.key.text) {
                Some(value) => self.entry(entry, value, span, indent),
                None => self.remove(span)?,
            }
        }
        let mut added = String::new();
        for (key, value) in map {
            if entries.iter().all(|entry| entry.key.text != *key) {
                added.extend(std::iter::repeat_n(' ', indent));
                added.push_str(&emit::entry(key, value, indent));
            }
        }
        self.insert(spans.last()?.end, added);
        Some(())
    }

    /// Changes an entry's value in place, or writes the entry anew.
    fn entry(&mut self, entry: &Entry, value: &Value, span: &Span, indent: usize) {
        let before = self.edits.len();
        if self.change(&entry.value, value, span.end).is_none() {
            self.edits.truncate(before);
            let new = emit::entry(&entry.key.text, value, indent);
            let new = comments::kept(self.text, span, &entry.value, &new, indent);
            self.edits.push((span.clone(), new));
        }
    }

    fn list(&mut self, items: &[Node], values: &[Value], end: usize) -> Option<()> {
        let starts: Vec<usize> = items
            .iter()
            .map(|item| self.dash(first_byte(item)?))
            .collect::<Option<_>>()?;
        let indent = self.column(*starts.first()?);
        if values.is_empty() {
            return None;
        }
        let spans = self.spans(&starts, end);
        let same = |(item, value): &(&Node, &Value)| item.to_value() == **value;
        let head = items.iter().zip(values).take_while(same).count();
        let shorter = items.len().min(values.len());
        let tail = items
            .iter()
            .rev()
            .zip(values.iter().rev())
            .take(shorter - head)
            .take_while(same)
            .count();
        let old = head..items.len() - tail;
        let new = values.get(head..values.len() - tail)?;
        let pairs = items.get(old.clone())?.iter().zip(spans.get(old.clone())?);
        let mut last = head
            .checked_sub(1)
            .and_then(|at| spans.get(at))
            .map(|span| span.end);
        for (index, (item, span)) in pairs.enumerate() {
            match new.get(index) {
                Some(value) => self.item(item, value, span, indent),
                None => self.remove(span)?,
            }
            last = Some(span.end);
        }
        let mut added = String::new();
        for value in new.iter().skip(old.len()) {
            added.extend(std::iter::repeat_n(' ', indent));
            added.push_str("- ");
            added.push_str(&emit::item(value, indent + 2));
        }
        self.insert(last.or_else(|| self.line_start(*starts.first()?))?, added);
        Some(())
    }

    /// Changes an item in place, or writes it anew.
    fn item(&mut self, item: &Node, value: &Value, span: &Span, indent: usize) {
        let before = self.edits.len();
        if self.change(item, value, span.end).is_none() {
            self.edits.truncate(before);
            let new = format!("- {}", emit::item(value, indent + 2));
            let new = comments::kept(self.text, span, item, &new, indent);
            self.edits.push((span.clone(), new));
        }
    }

    /// The text that each of some siblings takes up. Comments before the next one are that one's.
    fn spans(&self, starts: &[usize], end: usize) -> Vec<Span> {
        let next = starts
            .iter()
            .skip(1)
            .map(|start| self.line_start(*start).unwrap_or(*start));
        let limits = next.chain([end]);
        starts
            .iter()
            .zip(limits)
            .map(|(start, limit)| *start..self.content_end(*start, limit))
            .collect()
    }

    /// Where the last line that is neither empty nor comment nor `...` ends.
    fn content_end(&self, start: usize, limit: usize) -> usize {
        let mut end = limit.max(start);
        while let Some(region) = self.text.get(start..end) {
            let line = region
                .trim_end_matches('\n')
                .rfind('\n')
                .map_or(0, |at| at + 1);
            let last = region.get(line..).unwrap_or_default().trim();
            if line == 0 || !(last.is_empty() || last.starts_with('#') || last == "...") {
                break;
            }
            end = start + line;
        }
        end
    }

    fn remove(&mut self, span: &Span) -> Option<()> {
        let start = self.line_start(span.start)?;
        let before = self.text.get(start..span.start)?;
        before
            .trim()
            .is_empty()
            .then(|| self.edits.push((start..span.end, String::new())))
    }

    fn insert(&mut self, at: usize, mut lines: String) {
        if lines.is_empty() {
            return;
        }
        let ended = self
            .text
            .get(..at)
            .is_none_or(|before| before.ends_with('\n'));
        if !ended {
            lines.insert(0, '\n');
        }
        self.edits.push((at..at, lines));
    }

    fn line_start(&self, at: usize) -> Option<usize> {
        Some(self.text.get(..at)?.rfind('\n').map_or(0, |line| line + 1))
    }

    fn column(&self, at: usize) -> usize {
        self.line_start(at).map_or(0, |start| at - start)
    }

    /// Where the dash before an item stands.
    fn dash(&self, item: usize) -> Option<usize> {
        let before = self.text.get(..item)?.trim_end_matches(' ');
        before.ends_with('-').then(|| before.len() - 1)
    }

    fn apply(mut self) -> Option<String> {
        self.edits
            .sort_by_key(|(range, _)| (range.start, range.end));
        let windows = self.text.contains("\r\n");
        let mut edited = String::with_capacity(self.text.len() + 256);
        let mut at = 0;
        for (range, replacement) in &self.edits {
            edited.push_str(self.text.get(at..range.start)?);
            if windows {
                edited.push_str(&replacement.replace('\n', "\r\n"));
            } else {
                edited.push_str(replacement);
            }
            at = range.end;
        }
        edited.push_str(self.text.get(at..)?);
        Some(edited)
    }
}

/// Where a node's own text begins: a block mapping's with its first key.
fn first_byte(node: &Node) -> Option<usize> {
    match &node.content {
        Content::Mapping(entries, Style::Block) => entries.first()?.start,
        Content::Mapping(..) | Content::List(..) | Content::Scalar(..) => node.start,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::manifest::Stream;

    /// The text after a change, or `None` where it has to be written anew.
    fn edit(text: &str, change: impl FnOnce(&mut serde_json::Value)) -> Option<String> {
        let stream = Stream::new("-", text.into());
        let document = stream.documents().next().expect("a document");
        let mut value = document.value();
        change(&mut value);
        document.edited(stream.text_of(&document), &value)
    }

    const POD: &str = "\
---
# The cluster's Tiller.
kind: Pod # not a Deployment
spec:
  # One container.
  containers:
  - name: tiller   # in v2
    image: 'tiller:v2.17.0'
    args:
    # Plain text!
    - --tls
    - --listen=:44134
    env: []
  volumes: [a, b]
# The end.
";

    #[test]
    fn comments_and_layout_stay() {
        let edited = edit(POD, |pod| {
            pod["spec"]["containers"][0]["args"] = json!(["--tls=true", "--x", "--listen=:44134"]);
            pod["spec"]["containers"][0]["image"] = json!("tiller:v2.17.1");
            pod["spec"]["containers"][0]["env"] = json!([{"name": "A", "value": "0"}]);
            pod["spec"]["volumes"] = json!([{"name": "v"}]);
            pod["spec"]["hostNetwork"] = json!(false);
            pod["metadata"] = json!({"name": "x"});
        });
        let expected = "\
---
# The cluster's Tiller.
kind: Pod # not a Deployment
spec:
  # One container.
  containers:
  - name: tiller   # in v2
    image: tiller:v2.17.1
    args:
    # Plain text!
    - --tls=true
    - --x
    - --listen=:44134
    env:
    - name: A
      value: \"0\"
  volumes:
  - name: v
  hostNetwork: false
metadata:
  name: x
# The end.
";
        assert_eq!(edited.as_deref(), Some(expected));
    }

    #[test]
    fn comments_in_what_is_written_anew_stay() {
        let text = "\
a: [x, \"#y\"] # why
b: { # first
  c: 'no # comment', # second
  # third
  \"d #\": 1 }
e:
- [1, 2] # one and two
- {f: g#h} # h
i: | # header
  # content
  text
";
        let edited = edit(text, |value| {
            value["a"] = json!(["x", "z"]);
            value["b"]["d #"] = json!(2);
            value["e"] = json!([[1, 3], {"f": "g"}]);
            value["i"] = json!("plain");
        });
        let expected = "\
a: # why
- x
- z
b: # first
  # second
  # third
  c: \"no # comment\"
  \"d #\": 2
e:
- - 1 # one and two
  - 3
- f: g # h
i: plain # header
";
        assert_eq!(edited.as_deref(), Some(expected));
    }

    #[test]
    fn what_goes_takes_its_lines_along() {
        let edited = edit(POD, |pod| {
            pod["spec"].as_object_mut().unwrap().remove("volumes");
            pod["spec"]["containers"][0]["args"] = json!(["--listen=:44134"]);
        });
        let expected = POD
            .replace("    - --tls\n", "")
            .replace("  volumes: [a, b]\n", "");
        assert_eq!(edited, Some(expected));
    }

    #[test]
    fn windows_lines_and_missing_ends_are_kept() {
        let edited = edit("a: 1\r\nb:\r\n- c", |value| value["b"] = json!(["c", "d"]));
        assert_eq!(edited.as_deref(), Some("a: 1\r\nb:\r\n- c\r\n- d\r\n"));
        let edited = edit("a: 1\nb: 2\n...\n", |value| value["c"] = json!(3));
        assert_eq!(edited.as_deref(), Some("a: 1\nb: 2\nc: 3\n...\n"));
    }

    #[test]
    fn what_an_alias_shares_is_written_anew() {
        assert_eq!(
            edit("a: &x {b: 1}\nc: *x\n", |value| value["a"]["b"] = json!(2)),
            None
        );
        let edited = edit("a: &x {b: 1}\nc: *x\n", |value| value["c"]["b"] = json!(2));
        assert_eq!(edited.as_deref(), Some("a: &x {b: 1}\nc:\n  b: 2\n"));
    }

    #[test]
    fn a_literal_block_is_replaced_whole() {
        let edited = edit("a: |\n  x\n  # y\nb: 1\n", |value| value["a"] = json!("z"));
        assert_eq!(edited.as_deref(), Some("a: z\n  # y\nb: 1\n"));
    }
}
