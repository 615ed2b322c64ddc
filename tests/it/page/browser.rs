//! A headless Chromium, by its `DevTools` protocol over a WebSocket of the loopback interface.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::offline::Folder;
use crate::suite::skip;

/// How long Chromium may take for one answer.
const PATIENCE: Duration = Duration::from_mins(1);

static CHROMIUM: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/chromium.sh");
    let output = Command::new(script).stderr(Stdio::inherit()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "tests/browser/chromium.sh failed");
    let path = String::from_utf8(output.stdout).unwrap();
    Some(path.trim().into()).filter(|path: &PathBuf| !path.as_os_str().is_empty())
});

/// A browser with one tab.
pub(super) struct Browser {
    process: Child,
    socket: BufReader<TcpStream>,
    session: Option<String>,
    number: u64,
    /// What the console was told, and what was thrown.
    pub(super) complaints: Vec<Value>,
    _profile: Folder,
}

// === impl Browser ===

impl Browser {
    /// Starts it. Nothing where there is none.
    pub(super) fn start() -> Option<Self> {
        let Some(program) = &*CHROMIUM else {
            skip("no Chromium");
            return None;
        };
        let profile = Folder::new();
        fs::create_dir_all(profile.path()).unwrap();
        let mut process = Command::new(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--hide-scrollbars",
                "--force-color-profile=srgb",
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", profile.path()))
            .arg("about:blank")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stderr.take().unwrap());
        let mut lines = said.lines().map(Result::unwrap);
        let address = lines.find_map(|line| {
            let address = line.strip_prefix("DevTools listening on ws://")?;
            Some(address.trim().to_owned())
        });
        // What else it says goes nowhere, but has to be read.
        std::thread::spawn(move || lines.for_each(drop));
        let mut browser = Self {
            process,
            socket: connected(&address.unwrap()),
            session: None,
            number: 0,
            complaints: Vec::new(),
            _profile: profile,
        };
        let tab = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attached = json!({ "targetId": tab["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", &attached);
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        Some(browser)
    }

    /// Opens a file, and waits until it is loaded and painted: how many milliseconds that took.
    pub(super) fn open(&mut self, file: &str) -> f64 {
        self.call("Page.navigate", &json!({ "url": format!("file://{file}") }));
        self.evaluate(
            "new Promise(done => { const painted = () => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))); \
             document.readyState === 'complete' ? painted() : addEventListener('load', painted); })",
        )
        .as_f64()
        .unwrap()
    }

    /// The size of the window, and the colours that the reader prefers.
    pub(super) fn look(&mut self, width: u32, height: u32, scheme: &str, media: &str) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        );
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call(
            "Emulation.setEmulatedMedia",
            &json!({ "media": media, "features": features }),
        );
    }

    /// A picture of what is in the window, as WebP.
    pub(super) fn screenshot(&mut self) -> Vec<u8> {
        let wanted = json!({ "format": "webp", "quality": 60 });
        let taken = self.call("Page.captureScreenshot", &wanted);
        STANDARD.decode(taken["data"].as_str().unwrap()).unwrap()
    }

    /// The page on paper, as PDF.
    pub(super) fn print(&mut self) -> Vec<u8> {
        let printed = self.call("Page.printToPDF", &json!({}));
        STANDARD.decode(printed["data"].as_str().unwrap()).unwrap()
    }

    /// Presses a key.
    pub(super) fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Tab" => (9, ""),
            "ArrowRight" => (39, ""),
            "ArrowDown" => (40, ""),
            _ => (0, ""),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = json!(text);
            }
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// The value of an expression of JavaScript.
    #[track_caller]
    pub(super) fn evaluate(&mut self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", &asked);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    #[track_caller]
    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.send(message.to_string().as_bytes());
        loop {
            let answer = self.receive();
            if answer["id"] == self.number {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.hear(answer);
        }
    }

    /// Takes down what must not be.
    fn hear(&mut self, event: Value) {
        let is_complaint = match event["method"].as_str() {
            Some("Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded") => true,
            Some("Network.requestWillBeSent") => {
                let url = event["params"]["request"]["url"].as_str().unwrap();
                !url.starts_with("file:") && !url.starts_with("about:")
            }
            _ => false,
        };
        if is_complaint {
            self.complaints.push(event);
        }
    }

    /// One frame of text, masked with zeros (RFC 6455).
    fn send(&mut self, text: &[u8]) {
        let mut frame = vec![0x81, 0x80 | 127];
        frame.extend(u64::try_from(text.len()).unwrap().to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(text);
        self.socket.get_mut().write_all(&frame).unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut message = Vec::new();
        loop {
            let [first, second] = self.read();
            let length = match second & 0x7f {
                126 => u64::from(u16::from_be_bytes(self.read())),
                127 => u64::from_be_bytes(self.read()),
                short => u64::from(short),
            };
            let mut part = vec![0; usize::try_from(length).unwrap()];
            self.socket.read_exact(&mut part).unwrap();
            message.extend(part);
            if first & 0x80 != 0 {
                return serde_json::from_slice(&message).unwrap();
            }
        }
    }

    fn read<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.socket.read_exact(&mut bytes).unwrap();
        bytes
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// A WebSocket at `HOST:PORT/PATH`.
fn connected(address: &str) -> BufReader<TcpStream> {
    let (host, path) = address.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut socket = BufReader::new(stream);
    let mut line = String::new();
    socket.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 101"), "{line}");
    while line != "\r\n" {
        line.clear();
        socket.read_line(&mut line).unwrap();
    }
    socket
}
