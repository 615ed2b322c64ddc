//! The command that runs now, for people to type again.

use std::env;

use crate::provision::quoted;

/// The command line of this process, quoted for a shell where it must be.
pub(super) fn again() -> String {
    written(env::args().skip(1))
}

fn written(arguments: impl IntoIterator<Item = String>) -> String {
    let is_plain = |text: &str| {
        let plain = |it: char| it.is_ascii_alphanumeric() || "-_=./:,@%+".contains(it);
        !text.is_empty() && text.chars().all(plain)
    };
    let mut command = "tiller-guard".to_owned();
    for argument in arguments {
        command.push(' ');
        if is_plain(&argument) {
            command.push_str(&argument);
        } else {
            command.push_str(&quoted(&argument));
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_where_a_shell_would_read_them_otherwise() {
        let arguments = ["install", "--wait=5", "--policy", "my policy.yaml", ""];
        let typed = written(arguments.map(ToOwned::to_owned));
        assert_eq!(
            typed,
            "tiller-guard install --wait=5 --policy 'my policy.yaml' ''"
        );
    }
}
