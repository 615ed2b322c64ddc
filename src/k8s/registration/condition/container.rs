//! What tells a Tiller's container from others.
//!
//! The API server counts what an expression costs, by elements and by characters, and gives up at 1,000,000: an error,
//! with which a webhook of the policy `Ignore` is skipped. A pod with more than some thousands of elements is
//! therefore passed on without being walked, and one string is matched against a regular expression only if it is short.

use super::text::{list, present, quoted, words};
use crate::tiller::{ContainerList, signs};

/// The most containers of a pod that are looked at.
const MOST_CONTAINERS: u32 = 300;
/// The most elements of a container's lists that are looked at, times the number of containers.
const MOST_ELEMENTS: u32 = 2_000;
/// The most characters of one word of a launch that are looked at, times the number of words and of containers.
const MOST_CHARACTERS: u32 = 500_000;
/// The most words of a launch that are matched against a regular expression, times the number of containers.
const MOST_MATCHED: u32 = 250;
/// The longest such word, in characters. A reference of an image has no more in any registry.
const LONGEST_MATCHED: u32 = 300;

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

/// Whether an image's name holds the word `tiller`: its last part, without tag and digest.
pub(super) fn image(reference: &str) -> String {
    const NAME: &str = "(?i)^(.*/)?([^/:@]*[^a-z/:@])?tiller([^a-z/][^/]*)?$";
    format!(
        "(size({reference}) > {LONGEST_MATCHED} || {reference}.matches({}))",
        quoted(NAME)
    )
}

fn container() -> String {
    let (command, arguments) = (list("container", "command"), list("container", "args"));
    let variables = list("container", "env");
    let ports = list("container", "ports");
    let many = format!(
        "(size({command}) + size({arguments}) + size({variables}) + size({ports})) * containers > {MOST_ELEMENTS}"
    );
    let image = format!(
        "({} && {})",
        present("container", "image"),
        image("container.image")
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
        launch(&command, &arguments, &variables),
        environment(&variables),
        ports_of_tiller(&ports),
        probes(),
    ]
    .join(" || ")
}

/// Whether a word of the launch, or of a variable that the launch may take in, names the program.
fn launch(command: &str, arguments: &str, variables: &str) -> String {
    // The program's name, or where it may come together once the kubelet has put in a variable's value.
    const PROGRAM: &str = "(^|[^a-zA-Z])tiller([^a-zA-Z]|$)";
    const PARTS: &str = r"(t|ti|til|till|tille)\$\(|\)(iller|ller|ler|er|r)([^a-zA-Z]|$)|\)\$\(";
    let holds = |word: &str, part: &str, expression: &str| {
        format!(
            "({word}.contains('{part}') && (words * containers > {MOST_MATCHED} || size({word}) > {LONGEST_MATCHED} || {word}.matches({})))",
            quoted(expression)
        )
    };
    let program = |word: &str| {
        format!(
            "size({word}) * words * containers > {MOST_CHARACTERS} || {} || {}",
            holds(word, signs::PROGRAM, PROGRAM),
            holds(word, "$(", PARTS),
        )
    };
    let lists = format!("[{command}, {arguments}]");
    let value = format!(
        "({} && ({}))",
        present("variable", "value"),
        program("variable.value")
    );
    format!(
        "[size({command}) + size({arguments})].exists(words, \
         {lists}.exists(list, list.exists(word, word.endsWith('{listen}') || {word}))) || \
         ({lists}.exists(list, list.exists(word, word.contains('$'))) && \
         [size({variables})].exists(words, {variables}.exists(variable, {value})))",
        listen = signs::LISTEN_END,
        word = program("word"),
    )
}

fn environment(variables: &str) -> String {
    let mut names = vec![signs::CLIENT_VARIABLE];
    names.extend(signs::SERVER_VARIABLES);
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
