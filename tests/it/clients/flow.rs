//! Lists and mappings in brackets.

use super::grammar::{DEPTH, Writer};
use super::scalars::{inline, word};

impl Writer {
    pub(super) fn flow_node(&mut self, depth: usize) -> String {
        let (name, properties) = self.properties();
        let mut mapping = false;
        let text = match self.dice.below(12) {
            0 => properties,
            1 => match self.alias() {
                Some(alias) => format!("{alias} "),
                None => properties,
            },
            2 | 3 if depth < DEPTH => format!("{properties} {}", self.flow_sequence(depth + 1)),
            4 | 5 if depth < DEPTH => {
                mapping = true;
                format!("{properties} {}", self.flow_mapping(depth + 1))
            }
            _ => format!("{properties} {}", inline(&mut self.dice, 1, false)),
        };
        if let Some(name) = name {
            if mapping {
                self.mappings.push(name.clone());
            }
            self.anchors.push(name);
        }
        text.trim_start().to_owned()
    }

    pub(super) fn flow_sequence(&mut self, depth: usize) -> String {
        let items: Vec<String> = (0..self.dice.below(4))
            .map(|_| match self.dice.below(10) {
                0 => format!("{}: {}", self.key(), self.flow_node(depth)),
                1 => format!("? {}: {}", self.key(), self.flow_node(depth)),
                _ => self.flow_node(depth),
            })
            .collect();
        self.bracketed(&items, ["[", "]"])
    }

    pub(super) fn flow_mapping(&mut self, depth: usize) -> String {
        let items: Vec<String> = (0..self.dice.below(4))
            .map(|_| {
                let key = self.key();
                match self.dice.below(12) {
                    0 => key,
                    1 => format!("? {key} : {}", self.flow_node(depth)),
                    2 => format!("\"{}\":{}", word(&mut self.dice), self.flow_node(depth)),
                    3 => format!("<<: {}", self.flow_node(depth)),
                    4 => format!("{key}:{}", self.flow_node(depth)),
                    _ => format!("{key}: {}", self.flow_node(depth)),
                }
            })
            .collect();
        self.bracketed(&items, ["{", "}"])
    }

    fn bracketed(&mut self, items: &[String], [open, close]: [&str; 2]) -> String {
        let gaps = ["", "", "", " ", " ", " ", "\n     ", " # c\n     "];
        let mut text = open.to_owned();
        for (index, item) in items.iter().enumerate() {
            text += &format!("{}{item}{}", self.dice.pick(&gaps), self.dice.pick(&gaps));
            if index + 1 < items.len() || self.dice.percent(10) {
                text += self.dice.pick(&[", ", ", ", ","]);
            }
        }
        text + close
    }
}
