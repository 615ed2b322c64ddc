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
