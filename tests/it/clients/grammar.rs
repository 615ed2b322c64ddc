//! Streams of documents in the whole grammar that kubectl meets: each an object that it could send, in
//! odd spelling and sometimes broken.

use super::dice::Dice;
use super::scalars::{block, inline, plain, tag, word};

/// How deep values nest.
pub(super) const DEPTH: usize = 4;

/// A stream of the seed.
pub(super) fn stream(seed: u64) -> Vec<u8> {
    let mut writer = Writer {
        dice: Dice::new(seed),
        anchors: Vec::new(),
        mappings: Vec::new(),
    };
    let mut text = writer.documents();
    if writer.dice.percent(12) {
        for _ in 0..=writer.dice.below(2) {
            writer.mutate(&mut text);
        }
    }
    writer.encode(text)
}

pub(super) struct Writer {
    pub(super) dice: Dice,
    /// The anchors of the document so far, and those of mappings.
    pub(super) anchors: Vec<String>,
    pub(super) mappings: Vec<String>,
}

// === impl Writer ===

impl Writer {
    fn documents(&mut self) -> String {
        let mut text = self
            .dice
            .pick(&[
                "",
                "",
                "",
                "",
                "",
                "---\n",
                "---\n",
                "# c\n",
                "--- # c\n",
                "\n",
                "---\n---\n",
            ])
            .to_owned();
        if self.dice.percent(2) {
            text.clear();
            text += self.dice.pick(&[
                "%YAML 1.1\n---\n",
                "--- ",
                "%TAG ! tag:yaml.org,2002:\n---\n",
            ]);
        }
        let count = 1 + self.dice.below(8) / 5 + self.dice.below(8) / 7;
        for index in 0..count {
            if index > 0 {
                let separators = [
                    "---\n",
                    "---\n",
                    "---\n",
                    "---\n",
                    "---\n\n",
                    "--- # c\n",
                    "---  \n",
                    "...\n---\n",
                    "---\n\u{feff}",
                    "---\n# c\n",
                    "...\n",
                    "---\t\n",
                    "...\n%YAML 1.1\n---\n",
                    "---\n---\n",
                    "---#\n",
                    "\u{feff}---\n",
                    "---\n",
                    "---\n",
                    "---\n",
                    "---\n",
                    "... # c\n---\n",
                    "---\n...\n---\n",
                    "---\n\u{feff}# c\n",
                    "",
                ];
                text += self.dice.pick(&separators);
            }
            self.anchors.clear();
            self.mappings.clear();
            text += &match self.dice.below(20) {
                0 | 1 => self.json(),
                2 => self.list(),
                3 => format!("{}\n", self.flow_object()),
                _ => self.object(0),
            };
        }
        text += self
            .dice
            .pick(&["", "", "", "", "", "...\n", "---\n", "# end", "\n \n"]);
        text
    }

    /// The four fields and what else there is, as the lines of a block mapping.
    pub(super) fn object(&mut self, indent: usize) -> String {
        let pad = " ".repeat(indent);
        let kind = self.dice.pick(&[
            "kind: Namespace",
            "kind: Namespace",
            "kind: Namespace",
            "kind: \"Namesp\\x61ce\"",
            "'kind': 'Namespace'",
            "kind: !!binary TmFtZXNwYWNl",
            "? kind\n: Namespace",
            "!!str kind: !!str Namespace",
            "kind: !a Namespace",
            "!!binary a2luZA==: Namespace",
            "kind: >-\n  Namespace",
            "kind: &k Namespace",
            "<<: {kind: Namespace}",
        ]);
        let mut fields = vec![
            format!("{pad}{}\n", kind.replace('\n', &format!("\n{pad}"))),
            format!("{pad}apiVersion: v1\n"),
            format!("{pad}metadata:\n{pad}  name: {}\n", word(&mut self.dice)),
        ];
        for _ in 0..=self.dice.below(2) {
            let at = self.dice.below(fields.len() + 1);
            let entry = self.entry(indent, 0);
            // An anchor is known from where it stands on.
            let at = if entry.contains(['&', '*']) {
                fields.len()
            } else {
                at
            };
            fields.insert(at, entry);
        }
        fields.concat()
    }

    fn entry(&mut self, indent: usize, depth: usize) -> String {
        let pad = " ".repeat(indent);
        if self.dice.percent(5) {
            return format!("{pad}{}", self.merge(indent, depth));
        }
        if self.dice.percent(3) {
            let key = inline(&mut self.dice, indent, false);
            return format!(
                "{pad}? {key}\n{pad}:{}",
                self.value(indent, depth + 1, true)
            );
        }
        let key = self.key();
        let colon = self
            .dice
            .pick(&[":", ":", ":", ":", ":", ":", ":", ":", ":", " :", " :"]);
        format!("{pad}{key}{colon}{}", self.value(indent, depth + 1, true))
    }

    pub(super) fn key(&mut self) -> String {
        match self.dice.below(20) {
            0 => inline(&mut self.dice, 0, true),
            1 => plain(&mut self.dice),
            2 => format!("{} ", self.alias().unwrap_or_else(|| word(&mut self.dice))),
            3 => {
                let name = self.name();
                let key = format!("&{name} {}", inline(&mut self.dice, 0, true));
                self.anchors.push(name);
                key
            }
            4 => self
                .dice
                .pick(&[
                    "1", "\"1\"", "01", "1.0", "true", "yes", "\"true\"", "x", "'x'", "x",
                ])
                .to_owned(),
            _ => word(&mut self.dice),
        }
    }

    pub(super) fn merge(&mut self, indent: usize, depth: usize) -> String {
        let key = self.dice.pick(&[
            "<<",
            "<<",
            "<<",
            "<<",
            "!!merge <<",
            "! <<",
            "\"<<\"",
            "! \"<<\"",
            "!!str <<",
            "&m <<",
            "!!merge \"<<\"",
            "!a <<",
            "!!merge x",
            "!<tag:yaml.org,2002:merge> <<",
        ]);
        let mapping = self.mapping_alias();
        let other = self.flow_mapping(depth + 1);
        let value = match (self.dice.below(12), mapping) {
            (0..=5, Some(alias)) => alias,
            (6, Some(alias)) => format!("[{alias}, {other}]"),
            (7, Some(alias)) => format!("\n{}- {alias}\n{0}- {other}", " ".repeat(indent + 1)),
            (8, _) => format!("!!map {other}"),
            (9, _) => self
                .dice
                .pick(&[
                    "",
                    "~",
                    "a",
                    "[]",
                    "[a]",
                    "*k",
                    "!!null {}",
                    "[[]]",
                    "!!seq [{}]",
                ])
                .to_owned(),
            _ => other,
        };
        format!("{key}: {value}\n")
    }

    /// What stands behind a colon or a dash, to the end of its last line.
    fn value(&mut self, indent: usize, depth: usize, in_mapping: bool) -> String {
        let (name, properties) = self.properties();
        let open = depth < DEPTH;
        let mut mapping = false;
        let text = match self.dice.below(24) {
            0 => format!("{properties}\n"),
            1 => match self.alias() {
                Some(alias) => format!(" {alias}{}", self.end()),
                None => format!("{properties}\n"),
            },
            2 | 3 => format!("{properties} {}", block(&mut self.dice, indent)),
            4 | 5 if open => format!("{properties} {}{}", self.flow_sequence(depth), self.end()),
            6 | 7 if open => {
                mapping = true;
                format!("{properties} {}{}", self.flow_mapping(depth), self.end())
            }
            8..=11 if open => {
                let deeper = if in_mapping && self.dice.percent(50) {
                    indent
                } else {
                    indent + 1 + self.dice.below(3)
                };
                format!("{properties}{}{}", self.end(), self.sequence(deeper, depth))
            }
            12..=15 if open => {
                mapping = true;
                let deeper = indent + 1 + self.dice.below(3);
                format!("{properties}{}{}", self.end(), self.mapping(deeper, depth))
            }
            _ => format!(
                "{properties} {}{}",
                inline(&mut self.dice, indent + 1, false),
                self.end()
            ),
        };
        if let Some(name) = name {
            if mapping {
                self.mappings.push(name.clone());
            }
            self.anchors.push(name);
        }
        text
    }

    fn sequence(&mut self, indent: usize, depth: usize) -> String {
        let pad = " ".repeat(indent);
        (0..=self.dice.below(3))
            .map(|_| {
                // A mapping or a sequence may begin on the dash's own line.
                if depth < DEPTH && self.dice.percent(30) {
                    let gap = 1 + self.dice.below(2);
                    let inner = if self.dice.percent(70) {
                        self.mapping(indent + 1 + gap, depth + 1)
                    } else {
                        self.sequence(indent + 1 + gap, depth + 1)
                    };
                    return format!("{pad}-{}{}", " ".repeat(gap), inner.trim_start_matches(' '));
                }
                format!("{pad}-{}", self.value(indent, depth + 1, false))
            })
            .collect()
    }

    fn mapping(&mut self, indent: usize, depth: usize) -> String {
        let mut text = String::new();
        for _ in 0..=self.dice.below(3) {
            if self.dice.percent(5) {
                text += &format!("{}# c\n", " ".repeat(self.dice.below(4)));
            }
            text += &self.entry(indent, depth);
        }
        text
    }

    /// An anchor's name, to be known once its value is written, and the text of anchor and tag.
    pub(super) fn properties(&mut self) -> (Option<String>, String) {
        let name = self.dice.percent(12).then(|| self.name());
        let anchor = name
            .as_ref()
            .map(|name| format!(" &{name}"))
            .unwrap_or_default();
        let tag = if self.dice.percent(5) {
            format!(" {}", tag(&mut self.dice))
        } else {
            String::new()
        };
        let text = if self.dice.percent(50) {
            anchor + &tag
        } else {
            tag + &anchor
        };
        (name, text)
    }

    fn name(&mut self) -> String {
        self.dice
            .pick(&["a", "b", "c-d", "e_1", "k", "1"])
            .to_owned()
    }

    pub(super) fn alias(&mut self) -> Option<String> {
        let at = self.dice.below(self.anchors.len() + 1);
        self.anchors.get(at).map(|name| format!("*{name}"))
    }

    fn mapping_alias(&mut self) -> Option<String> {
        let at = self.dice.below(self.mappings.len().max(1));
        self.mappings.get(at).map(|name| format!("*{name}"))
    }

    /// What may stand at the end of a line.
    fn end(&mut self) -> &'static str {
        self.dice.pick(&[
            "\n", "\n", "\n", "\n", "\n", "\n", "\n", " # c\n", " \n", "\n\n", "\n# c\n", "\n \n",
        ])
    }
}
