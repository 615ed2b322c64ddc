//! Tiller, started by a program that is not known, by a file that a manager reads, by another container's script, or under a
//! name that a shell puts together.

use serde_json::{Value, json};

use super::starts::{assert_all_refused, pod};
use super::{assert_no_unhardened_tiller, create_pod};
use crate::api_server::World;
use crate::api_server::refuse::assert_refused;

fn line(line: &str) -> Value {
    json!({ "command": ["bash", "-c", line] })
}

#[tokio::test]
async fn row_76_starters_that_are_not_known() {
    let world = World::create("row-76").await;
    let tries = [
        json!({ "command": ["dlv", "exec", "--headless", "/tiller"] }),
        json!({ "command": ["gdb", "-ex", "run", "--args", "/tiller"] }),
        json!({ "command": ["some-tracer", "--quiet", "/usr/local/bin/tiller"] }),
        json!({ "command": ["some-runner", "--exec=tiller"] }),
        json!({ "command": ["socat", "TCP-LISTEN:1", "EXEC:/tiller"] }),
        json!({ "command": ["find", "/", "-name", "tiller", "-exec", "{}", ";"] }),
        json!({ "args": ["tiller", "--listen=:9000"] }),
        json!({ "args": ["--exec", "tiller"] }),
        json!({ "command": ["python3", "run.py", "/tiller"] }),
        json!({ "image": "example/yamllint", "args": ["env", "/tiller"] }),
        line("which tiller | xargs -I{} {} --listen=:9000"),
    ];
    assert_all_refused(&world, &tries).await;
}

#[tokio::test]
async fn row_77_files_that_a_manager_reads() {
    let world = World::create("row-77").await;
    let tries = [
        line("printf '[program:t]\\ncommand=/tiller\\n' > /s.conf; exec supervisord -c /s.conf"),
        line("cat > Procfile <<X\nweb: tiller\nX\nforeman start"),
        line("echo '* * * * * tiller' | crontab -; cron -f"),
        line("echo 'exec tiller' > /etc/service/t/run; runsvdir /etc/service"),
        line("printf 'run:\\n\\ttiller\\n' > Makefile; make run"),
    ];
    assert_all_refused(&world, &tries).await;
}

#[tokio::test]
async fn row_78_names_that_a_shell_puts_together() {
    let world = World::create("row-78").await;
    let tries = [
        line("t=till; exec ${t}er"),
        line("b=t; /${b}iller"),
        line("\"till\"er"),
        line("/till??"),
        json!({ "command": ["sh", "-c", "exec ${A}er"], "env": [{ "name": "A", "value": "/till" }] }),
        json!({ "command": ["tillerv2"] }),
    ];
    assert_all_refused(&world, &tries).await;
}

#[tokio::test]
async fn row_79_scripts_that_another_container_writes() {
    let world = World::create("row-79").await;
    for (name, written, command) in [
        (
            "script",
            "cat > /shared/run.sh <<X\nexec /tiller\nX",
            json!(["sh", "/shared/run.sh"]),
        ),
        (
            "copy",
            "cp /usr/local/bin/tiller /shared/app",
            json!(["/shared/app"]),
        ),
    ] {
        let mut shared = pod(name, &json!({ "command": command }));
        shared["spec"]["initContainers"] = json!([{
            "name": "prepare", "image": "example/tools:1", "command": ["sh", "-c", written],
        }]);
        let answer = create_pod(&world, &shared).await;
        assert_refused(answer, "image-repository", "/spec/containers/0/image");
    }
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_80_options_and_expansions() {
    let world = World::create("row-80").await;
    let tries = [
        json!({ "command": ["vi", "-c", ":!/tiller"] }),
        json!({ "command": ["sed", "-n", "1e /tiller", "/etc/hostname"] }),
        json!({ "command": ["tar", "cf", "/x", "--checkpoint-action=exec=/tiller", "/etc"] }),
        json!({ "command": ["git", "-c", "core.pager=/tiller", "log"] }),
        line("printf 'x:\\n\\t/tiller\\n' | make -f -"),
        line("B=/tiller.old; exec ${B%.old} --listen=:9000"),
        line("B=/tiller; A=B; exec ${!A}"),
    ];
    assert_all_refused(&world, &tries).await;
}

#[tokio::test]
async fn row_81_starts_without_an_end() {
    let world = World::create("row-81").await;
    let many = |starter: &str| {
        let words = starter.split(' ').cycle().take(4_000);
        json!({ "command": words.chain(["/tiller"]).collect::<Vec<_>>() })
    };
    let tries = [
        many("sh"),
        many("env"),
        many("npm exec"),
        many("runuser -u x"),
    ];
    assert_all_refused(&world, &tries).await;
}
