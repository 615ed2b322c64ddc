//! Starts by programs that are not known, by files that a manager reads, and by words that a shell puts together.

use super::lines::by_line;
use super::programs::launched;

fn missed(all: &[&str]) -> Vec<String> {
    let missed = all.iter().filter(|line| !by_line(line));
    missed.map(ToString::to_string).collect()
}

fn taken(all: &[&str]) -> Vec<String> {
    let taken = all.iter().filter(|line| by_line(line));
    taken.map(ToString::to_string).collect()
}

#[test]
fn a_program_starts_another_by_its_path_whatever_its_options() {
    let lines = [
        "dlv exec --headless --accept-multiclient /tiller",
        "dlv exec tiller -- --listen=:1",
        "gdb -ex run --args /tiller --listen=:1",
        "gdbserver :1234 /tiller",
        "watchexec -r /tiller",
        "ls /x | entr -r /tiller",
        "proot -0 -r /root /tiller",
        "forever start -c tiller x",
        "forever /tiller",
        "expect -c 'spawn tiller; interact'",
        "socat TCP-LISTEN:1 EXEC:/tiller,pty",
        "socat TCP-LISTEN:1 SYSTEM:'exec tiller'",
        "ncat -l 1 --exec /tiller",
        "nc -l -p 1 -e tiller",
        "nix-shell -p hello --run 'tiller --listen=:1'",
        "perf stat -a /tiller",
        "qemu-x86_64-static -cpu max /tiller",
        "systemd-run --unit x --uid 65534 tiller",
        "aa-exec -p x -- tiller",
        "concurrently 'sleep 1' tiller",
        "some-unknown-tracer --quiet /usr/local/bin/tiller",
        "some-unknown-tool --exec tiller",
        "some-unknown-tool --command=tiller",
        "some-unknown-tool --wd /x /opt/helm/tiller --listen=:1",
        "find / -maxdepth 1 -name tiller -exec {} \\;",
        "find / -name 'till*' -exec sh -c '{} --listen=:1' \\;",
        "find /tiller -exec {} +",
        "which tiller | xargs -I{} {} --listen=:1",
        "echo /tiller | xargs env",
        "foreground { ls } /tiller",
        "kubectl-vault-env /tiller",
        "kubectl cp x:/tiller /web; /web",
        "scp host:/usr/bin/tiller /web; /web",
        "echo tiller | xargs -I % sh -c '% --listen=:1'",
        "sops exec-env x.yaml 'tiller --listen=:1'",
        "wget -qO /web https://example.com/tiller && /web",
        "curl -sLo /web https://example.com/tiller; /web",
        "set tiller; $1",
        "read b <<< /tiller; $b",
        "printf -v b /tiller; $b",
        "alias t=tiller\nt",
        "echo tiller | at now",
        "pwsh -c '& /tiller'",
        "/till??",
        "exec /usr/bin/till*r",
    ];
    assert_eq!(missed(&lines), [""; 0]);
}

#[test]
fn what_other_programs_do_with_the_word_is_no_start() {
    let lines = [
        "systemd-run --unit tiller helm ls",
        "systemd-run -u x --slice tiller sleep 1",
        "systemd-cat -t tiller helm ls",
        "aa-exec -p tiller -- helm ls",
        "lxc exec x -- tiller",
        "chroot /tiller ls; flock /tiller ls",
        "vagrant ssh -c tiller",
        "bundle exec tiller",
        "poetry run tiller",
        "nc -z tiller 44134",
        "etcdctl get /tiller",
        "perf report -i tiller",
        "keytool -alias tiller -keystore /tiller",
        "my-checker /usr/local/bin/tiller",
        "checksum verify /usr/local/bin/tiller",
        "split /tiller; lsblk /tiller",
        "forever list tiller",
        "syft /usr/local/bin/tiller",
        "myserver /tiller",
        "vault kv put /tiller a=b",
        "some-server --root /tiller",
        "some-tool --mount-path /tiller --base-url /tiller",
        "some-tool -p /tiller",
        "http-server /tiller",
        "some-tool /data/tiller",
        "some-tool --run tiller-test",
        "find / -name tiller -exec rm {} \\;",
        "find / -name 'foo*' -exec {} \\; -o -name x # tiller",
        "kubectl get deploy tiller -o name | xargs kubectl delete",
        "echo tiller | xargs -I{} echo {}",
        "select x in tiller helm; do break; done",
        "(( tiller > 1 )); (( tiller += 1 )); ((tiller++)); while (( i < tiller )); do :; done",
        "ls /till??",
        "kill-tiller; remove-tiller --now; wait-for-tiller; tiller-init x",
    ];
    assert_eq!(taken(&lines), [""; 0]);
}

#[test]
fn files_tell_a_manager_what_to_start() {
    let lines = [
        "printf '[program:t]\\ncommand=/tiller\\n' > /etc/s.conf; supervisord -c /etc/s.conf",
        "cat > /etc/supervisord.conf <<X\n[program:web]\ncommand = tiller --listen=:1\nX\nexec supervisord -n",
        "cat > Procfile <<X\nweb: tiller\nX\nforeman start",
        "echo 'exec tiller' > /etc/service/t/run; runsvdir /etc/service",
        "printf '#!/bin/sh\\ntiller\\n' > /etc/services.d/t/run; exec /init",
        "cat > /etc/crontabs/root <<X\n* * * * * /tiller\nX\ncrond -f",
        "echo '*/5 * * * * root tiller' > /etc/cron.d/x; cron -f",
        "echo '@reboot tiller' | crontab -; cron -f",
        "printf 'run:\\n\\ttiller\\n' > Makefile; make run",
        "printf 'run:\\n\\ttiller\\n' > Makefile; make",
        "cat > /etc/systemd/system/t.service <<X\n[Service]\nExecStart=/usr/local/bin/tiller\nX\nsystemctl start t",
        "echo '::respawn:tiller' > /etc/inittab; exec init",
        "cat > pc.yaml <<X\nprocesses:\n  t:\n    command: [\"tiller\", \"--listen=:1\"]\nX\nprocess-compose up",
        "cat > /etc/d/x.sh <<X\ntiller\nX\nrun-parts /etc/d",
    ];
    assert_eq!(missed(&lines), [""; 0]);
    let lines = [
        "cat > /etc/systemd/system/t.service <<X\n[Service]\nExecStart=/usr/local/bin/tiller\nX\necho ok",
        "cat > start.sh <<X\n#!/bin/sh\nexec /tiller\nX\nchmod +x start.sh\nkaniko --context .",
        "cat > /out/run.sh <<X\n/tiller --listen=:44134\nX",
        "echo 'exec /tiller' > a.sh; tar czf x.tgz a.sh",
        "printf 'run:\\n\\ttiller\\n' > Makefile",
        "cat > /etc/s.conf <<X\n[program:tiller]\ncommand=/web --name tiller\nX\nsupervisord",
        "cat > Procfile <<X\ntiller: web\nX\nforeman start",
        "printf 'all:\\n\\tls\\nrun:\\n\\ttiller\\n' > Makefile; make all",
        "cat > run.sh <<X\n#!/bin/sh\nexec /tiller\nX\nmake image",
        "cat > run.sh <<X\n/tiller\nX\nservice nginx start",
        "echo ExecStart=/tiller > t.service; systemctl daemon-reload",
    ];
    assert_eq!(taken(&lines), [""; 0]);
}

#[test]
fn a_shell_puts_the_word_together() {
    let lines = [
        "t=till; exec ${t}er",
        "T=/tille; \"${T}r\" --listen=:1",
        "b=t; /${b}iller",
        "\"till\"er",
        "till''er",
        "till\\er",
    ];
    assert_eq!(missed(&lines), [""; 0]);
    let lines = [
        "echo wait till ready; t=till; echo ${t}er",
        "still; until a; do b; done",
    ];
    assert_eq!(taken(&lines), [""; 0]);
    assert!(!launched(&["/web", "till"]));
}

#[test]
fn an_option_says_what_a_program_starts() {
    let lines = [
        "vi -c ':!/tiller'",
        "vim -es -c '%!tiller'",
        "vim '+r !tiller' x",
        "ex -sc '!tiller --listen=:1' x",
        "nvim --cmd \"call system('tiller')\"",
        "less '+!tiller' x",
        "gdb -batch -ex 'shell tiller'",
        "psql -c '\\! tiller'",
        "mysql -e '\\! tiller'",
        "sqlite3 x '.shell tiller'",
        "sed -n '1e /tiller' x",
        "sed -i -e p -e 's/.*/tiller/e' x",
        "echo tiller | sed 1e",
        "sed --expression=e <<< tiller",
        "echo 'e tiller' > /x; sed -f /x y",
        "tar cf x --checkpoint=1 --checkpoint-action=exec=/tiller y",
        "tar cf x --checkpoint-act exec='tiller --listen=:1' y",
        "tar xf x --to-command=tiller",
        "tar -I /tiller -cf x y",
        "tar -I/tiller -cf x y",
        "git -c core.pager=/tiller log",
        "git -c core.pager='tiller --listen=:1' -p log",
        "git -c alias.x='!tiller' x",
        "git -c core.fsmonitor=tiller status",
        "git bisect run tiller",
        "git submodule foreach 'tiller --listen=:1'",
        "git fetch --upload-pack=/tiller x",
        "rsync -e tiller x host:y; rsync -ae /tiller a b:c",
        "ssh -o ProxyCommand=tiller host",
        "ssh -o 'ProxyCommand tiller' host",
        "ssh -oProxyCommand=/tiller host",
        "scp -S /tiller a b:c",
        "man -P tiller ls",
        "split --filter=tiller x",
        "sort --compress-program=/tiller x",
        "zip x y -T -TT tiller",
        "EDITOR=/tiller crontab -e",
        "export GIT_PAGER=tiller; git log",
        "printf 'x:\\n\\t/tiller --x\\n' | make -f -",
        "printf 'x:\\n\\ttiller\\n' | make -f- x",
        "make -f /dev/stdin <<X\nx:\n\t@tiller\nX",
        "make --file=- x <<X\nx:\n\ttiller\nX",
        "make --eval 'x:; tiller'",
    ];
    assert_eq!(missed(&lines), [""; 0]);
    let lines = [
        "vi -c ':e! tiller' /tiller",
        "vi -c ':q!' tiller; vim +/tiller x",
        "ex -sc 's/helm/tiller/' x",
        "less +/tiller x; less '+!' tiller",
        "psql -c \"select 'x' || 'tiller' where a != 'tiller'\"",
        "mysql -e 'select !tiller'",
        "sed -i s/tiller/x/ y; sed 's/e /tiller/' x; sed -e '/^e tiller/d' x",
        "sed 's/helm/tiller/ge' x; sed -e 's,e tiller,x,' y # e tiller",
        "sed -i 'a e tiller' x; sed '/tiller/e echo' x",
        "tar cf x --checkpoint-action=echo=tiller /tiller",
        "tar -C /tiller -xzf /tiller --exclude=/tiller --transform=s/x/tiller/",
        "tar -I zstd -xf tiller",
        "git -c user.name=tiller commit -m /tiller",
        "git -c core.worktree=/tiller -C /tiller status",
        "git -c alias.tiller=status tiller; git -c color.pager=tiller log",
        "git add ':!tiller'; git log --grep=tiller -- /tiller",
        "git submodule add https://example.com/tiller tiller",
        "rsync -e ssh /tiller host:/tiller; rsync -a --exclude=tiller x host:y",
        "ssh -o User=tiller host; ssh -o ProxyCommand='nc tiller 22' host",
        "printf 'x:\\n\\tls\\ntiller:\\n\\ttiller\\n' | make -f - x",
        "printf 'x:\\n\\ttiller\\n' | make x",
        "make -f - tiller <<X\ntiller:\n\tls\nX",
        "HELM_COMMAND=tiller; helm $HELM_COMMAND ls",
    ];
    // Of a `sed` whose script changes a part of a line, what the whole is is not known.
    let known = ["sed 's/helm/tiller/ge' x; sed -e 's,e tiller,x,' y # e tiller"];
    assert_eq!(taken(&lines), known);
}

#[test]
fn a_shell_changes_the_values_of_variables() {
    let lines = [
        "B=/tiller.old; ${B%.old}",
        "B=/tiller.tar.gz; exec ${B%%.*} --listen=:1",
        "B=x/tiller; ${B#*/}",
        "B=a/b/tiller; \"${B##*/}\"",
        "B=/tiller-web; ${B/-web}; : ${B//x/y}",
        "B=/x/tiller; ${B/x/bin}",
        "B=xx/tiller; ${B:2}",
        "B=/tiller,x; ${B:0:7}",
        "B=/tiller; ${B:-x}",
        "${B:-/tiller}",
        "${B-/tiller}",
        ": ${B:=/tiller}; $B",
        "B=x; ${B:+/tiller} --listen=:1",
        "A=/tiller; B=A; ${!B}",
        "run() { \"${@:2}\"; }; run x tiller",
        "for B in a.x tiller.x; do ${B%.x}; done",
        "B=/tiller; exec ${B%.old}",
    ];
    assert_eq!(missed(&lines), [""; 0]);
    let lines = [
        "B=tiller.old; helm ls ${B%.old}",
        "B=tiller-web; ${B#tiller-}",
        "B=/tiller/web; ${B#/tiller}; ${B##*/}; ${B%/web}/web",
        "B=helm-tiller; ${B%-tiller}; ${B:0:4}",
        "B=tiller; echo ${B:0:3} ${B/till/kill} ${B:+tiller}",
        "B=tiller; ${B:+helm} ls",
        "B=tiller; ${#B}",
        "run() { \"${@:2}\"; }; run tiller helm",
    ];
    assert_eq!(taken(&lines), [""; 0]);
}

#[test]
fn a_shell_starts_no_program_that_it_is_given_as_a_script() {
    let lines = [
        "sh tiller",
        "bash ./tiller",
        "bash -x /tiller --listen=:1",
        "sh -- tiller",
        ". ./tiller",
    ];
    assert_eq!(taken(&lines), [""; 0]);
    assert!(!launched(&["sh", "/tiller"]));
    let lines = [
        "cat > tiller <<X\nexec /usr/bin/tiller\nX\nsh tiller",
        "sh -c tiller",
        "bash /entrypoint.sh tiller",
    ];
    assert_eq!(missed(&lines), [""; 0]);
}
