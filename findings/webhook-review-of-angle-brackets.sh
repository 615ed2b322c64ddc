#!/usr/bin/env bash
# An admission review can be six times as large as its object: the API server writes `<`, `>` and `&` as six characters.
#
# Guess:   a review is as large as the object and some headers, so that a webhook which reads 3 MiB and a little, the most that an
#          API server takes of a request, reads every review.
# Found:   1.20.2 encodes reviews by Go's encoding/json with HTML escaped. A ConfigMap of 900,000 `<`, sent in 0.9 MB, comes
#          to the webhook in 5.4 MB; one of 900,000 letters in 0.9 MB.
# Matters: to every webhook with a limit for bodies: with `failurePolicy: Ignore` such an object passes by it, with `Fail` it cannot be
#          written.
# Seen:    2026-11-30, Kubernetes 1.20.2. Output: see `expected` below.
set -euo pipefail
. "$(dirname "$0")/parts/api-server.sh"

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$folder/webhook.key" -out "$folder/webhook.pem" -days 1 -subj /CN=webhook \
  -addext subjectAltName=IP:127.0.0.1 2>/dev/null
cat >"$folder/webhook.py" <<'PYTHON'
import http.server, json, ssl, sys

class Webhook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = json.loads(body)["request"]
        with open(sys.argv[1] + "/sizes", "a") as sizes:
            print(request["name"], f"{len(body) / 1e6:.1f} MB", file=sizes)
        response = {"uid": request["uid"], "allowed": True}
        answer = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + "/webhook.pem", sys.argv[1] + "/webhook.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], file=open(sys.argv[1] + "/port", "w"), flush=True)
server.serve_forever()
PYTHON
python3 "$folder/webhook.py" "$folder" &
started+=($!)
until [ -s "$folder/port" ]; do sleep 0.1; done
kubectl() { "$programs/kubectl-1.31" "$@"; }
kubectl create --filename - >/dev/null <<YAML
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: measure}
webhooks:
- name: measure.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig: {url: "https://127.0.0.1:$(cat "$folder/port")/", caBundle: "$(base64 -w 0 "$folder/webhook.pem")"}
  rules: [{apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: [CREATE]}]
  namespaceSelector: {matchLabels: {measured: "yes"}}
YAML
kubectl create namespace measured >/dev/null
kubectl label namespace measured measured=yes >/dev/null
sleep 2
# kubectl escapes them too, and is refused for more than 3 MiB; other clients do not.
python3 - "$port" "$token" <<'PYTHON'
import json, ssl, sys, urllib.request

port, token = sys.argv[1:]
for name, letter in (("letters", "a"), ("brackets", "<")):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"text": letter * 900_000}}
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    url = f"https://127.0.0.1:{port}/api/v1/namespaces/measured/configmaps"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=20).read()
PYTHON
seen=$(grep -E 'letters|brackets' "$folder/sizes")
expected='letters 0.9 MB
brackets 5.4 MB'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
