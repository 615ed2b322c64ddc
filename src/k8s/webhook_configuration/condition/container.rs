//! What distinguishes a Tiller's container from others.
//!
//! The API server counts what an expression costs, by elements and by characters, and gives up at 1,000,000: an error,
//! with which a webhook of the policy `Ignore` is skipped. And it walks a list in a time that grows with the square of its
//! length. So the words of a launch are joined to one text, which takes a time that grows only with its length; other lists
//! are walked only if they are short, and a pod with longer ones is passed on.

use super::text::{list, present, quoted, words};
use crate::tiller::{ContainerList, signs};

/// The most containers of a pod that are looked at.
const MOST_CONTAINERS: u32 = 200;
/// The longest list of a container that is walked.
const LONGEST_LIST: u32 = 1_000;
/// The most elements of a container's lists that are walked, times the number of containers.
const MOST_ELEMENTS: u32 = 3_000;
/// The most characters of a text that are looked at, times the number of texts of its kind in the pod.
const MOST_CHARACTERS: u32 = 300_000;
/// The most of them that are matched against a regular expression.
const MOST_MATCHED: u32 = 30_000;
/// How many launches the commands of a container's hooks and probes count for: few are longer than a line.
const HOOK_LAUNCHES: u32 = 5;
/// The most characters of the names of images that are distinguished from programs about Tiller.
const MOST_OF_NAMES: u32 = 2_500;
/// The longest reference of an image that is matched. A registry takes no longer name.
const LONGEST_REFERENCE: u32 = 300;

/// Whether a container of `pod` may be a Tiller.
pub(super) fn any() -> String {
    let lists = ContainerList::ALL.map(|it| list("pod.spec", it.as_str()));
    let sizes = lists.each_ref().map(|it| format!("size({it})")).join(" + ");
    let lists = lists.join(", ");
    // `[x].exists(name, …)` is CEL's way to name a value. Lists in a list are walked one by one; joined by `+`,
    // each step would begin at their start.
    format!(
        "[{sizes}].exists(containers, containers > {MOST_CONTAINERS} || \
         [{lists}].exists(list, list.exists(container, {})))",
        container()
    )
}

/// Whether an image's name, one of so many, holds the word `tiller` and is no name of a program about Tiller: the name's last
/// part, without tag and digest, or one before it, unless the last one tells another task.
pub(super) fn image(reference: &str, count: &str) -> String {
    const WORD: &str = "(?i)(^|/)([^/:@]*[^a-z/:@])?tiller(([^a-z/]|v[0-9])[^/]*)?(/|$)";
    const NAME: &str = "(?i)(^|/)([^/:@]*[^a-z/:@])?tiller(([^a-z/]|v[0-9])[^/]*)?$";
    const INNER: &str = "(?i)/([^/:@]*[^a-z/:@])?tiller(([^a-z/:@]|v[0-9])[^/:@]*)?/";
    let roles = signs::ROLES.join("|");
    let endings = signs::ROLE_ENDINGS.join("|");
    let before = signs::WORDS_BEFORE_TILLER.join("|");
    // What is left of a word with such an ending is two letters or more.
    let after = format!("{roles}|[a-zA-Z]{{2,}}({endings})");
    let about = format!(
        "^(.*/)?([^/:@]*[^a-zA-Z/:@])?\
         (tiller[^a-zA-Z/:@]([^/:@]*[^a-zA-Z/:@])?({after})([^a-zA-Z/:@][^/:@]*)?|({before})[^a-zA-Z/:@]+tiller([^a-zA-Z/:@][^/:@]*)?)([:@][^/]*)?$"
    );
    let task = format!("/([^/:@]*[^a-zA-Z/:@])?({after})([^a-zA-Z/:@][^/:@]*)?([:@][^/]*)?$");
    // A name with such a word may have another one with an ending: that is for the webhook to tell.
    let exceptions = format!("[^a-zA-Z]({})[^a-zA-Z]", signs::NO_ROLES.join("|"));
    format!(
        "(size({reference}) > {LONGEST_REFERENCE} || ({reference}.matches({}) && \
         (size({reference}) * {count} > {MOST_OF_NAMES} || (({reference}.matches({}) ? !{reference}.matches({}) : \
         {reference}.matches({}) && !{reference}.matches({})) || ({reference} + ':').matches({})))))",
        quoted(WORD),
        quoted(NAME),
        quoted(&about),
        quoted(INNER),
        quoted(&task),
        quoted(&exceptions)
    )
}

fn container() -> String {
    let variables = list("container", "env");
    let ports = list("container", "ports");
    let many = format!(
        "size({variables}) > {LONGEST_LIST} || size({ports}) > {LONGEST_LIST} || \
         (size({variables}) + size({ports})) * containers > {MOST_ELEMENTS}"
    );
    let image = format!(
        "({} && {})",
        present("container", "image"),
        image("container.image", "containers")
    );
    let named = format!(
        "({} && (container.name == '{name}' || container.name.startsWith('{start}')))",
        present("container", "name"),
        name = signs::NAME,
        start = signs::NAME_START
    );
    [
        many,
        image,
        named,
        launch(&variables),
        hooks(&variables),
        environment(&variables),
        ports_of_tiller(&ports),
        probes(),
    ]
    .join(" || ")
}

/// Whether the launch, or a variable that it may take in, names the program; or the launch names the port.
fn launch(variables: &str) -> String {
    let texts =
        ["command", "args"].map(|field| format!("{}.join('\\n')", list("container", field)));
    let texts = format!("[{}]", texts.join(", "));
    let listens = format!("text.contains('{}')", signs::LISTEN_END);
    format!(
        "{texts}.exists(text, {} || {listens} || {})",
        names_program("text", "containers"),
        takes_in(variables, "containers")
    )
}

/// Whether the commands of hooks and probes, or a variable that they may take in, name the program.
fn hooks(variables: &str) -> String {
    let hook = present("container", "lifecycle");
    let places = [
        (Some(&hook), "lifecycle.postStart"),
        (Some(&hook), "lifecycle.preStop"),
        (None, "livenessProbe"),
        (None, "readinessProbe"),
        (None, "startupProbe"),
    ];
    let texts = places.map(|(guard, field)| {
        let exec = format!("container.{field}.exec");
        let guards = [
            present("container", field),
            present(&format!("container.{field}"), "exec"),
            present(&exec, "command"),
        ];
        let guards: Vec<&str> = guard
            .into_iter()
            .chain(&guards)
            .map(String::as_str)
            .collect();
        format!(
            "({} ? {exec}.command.join('\\n') : '')",
            guards.join(" && ")
        )
    });
    let count = format!("containers * {HOOK_LAUNCHES}");
    // What is long is joined once only.
    format!(
        "[[{}]].exists(texts, texts.exists(text, size(text) * {count} > {MOST_CHARACTERS}) || \
         [texts.join('\\n')].exists(text, {} || {}))",
        texts.join(", "),
        names_program("text", &count),
        takes_in(variables, &count)
    )
}

/// Whether `text`, of which there are so many, may take in a variable that names the program.
fn takes_in(variables: &str, count: &str) -> String {
    format!(
        "(text.contains('$') && {variables}.exists(variable, {} && ({})))",
        present("variable", "value"),
        names_program("variable.value", &format!("size({variables}) * {count}"))
    )
}

/// Whether a text, of which there are so many, names the program, or holds a part of its name as a word; or the name may come
/// together in it once the kubelet has put in a variable's value.
fn names_program(text: &str, count: &str) -> String {
    const PROGRAM: &str = r"(^|[^a-zA-Z]|\\[a-z])(tiller|tille?|iller)([^a-zA-Z]|v[0-9]|$)";
    const PARTS: &str =
        r"(t|ti|til|till|tille)\$\(|\)(iller|ller|ler|er|r)([^a-zA-Z]|$)|\)i?l?l?e?\$\(";
    let holds = |parts: &[&str], expression: &str| {
        let contained = parts
            .iter()
            .map(|part| format!("{text}.contains('{part}')"));
        let contained: Vec<String> = contained.collect();
        format!(
            "(({}) && (size({text}) * {count} > {MOST_MATCHED} || {text}.matches({})))",
            contained.join(" || "),
            quoted(expression)
        )
    };
    format!(
        "size({text}) * {count} > {MOST_CHARACTERS} || {} || {}",
        holds(&["till", "iller"], PROGRAM),
        holds(&["$("], PARTS)
    )
}

fn environment(variables: &str) -> String {
    let mut names = vec![signs::CLIENT_VARIABLE];
    names.extend(signs::SERVER_VARIABLES);
    names.extend(signs::SHARED_VARIABLES);
    format!(
        "{variables}.exists(variable, {} && variable.name in {})",
        present("variable", "name"),
        words(&names)
    )
}

fn ports_of_tiller(ports: &str) -> String {
    format!(
        "{ports}.exists(port, {} && port.containerPort in [{}, {}])",
        present("port", "containerPort"),
        signs::PORT,
        signs::PROBE_PORT
    )
}

fn probes() -> String {
    ["livenessProbe", "readinessProbe"]
        .map(|probe| {
            let path = format!("container.{probe}");
            format!(
                "({} && {} && {} && {path}.httpGet.port == {})",
                present("container", probe),
                present(&path, "httpGet"),
                present(&format!("{path}.httpGet"), "port"),
                signs::PROBE_PORT
            )
        })
        .join(" || ")
}
