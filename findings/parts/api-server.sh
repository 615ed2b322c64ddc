# To be sourced: a real API server of 1.20.2 on loopback, empty and without controllers, in a folder that goes with it.
# The server and the clients are kept in the user's cache once they are made, since that takes minutes. Sets `folder` and `programs` (kubectl-1.20, kubectl-1.31, kubectl-1.37, helm-3.17 and helm-4.3, which reach it).

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
server=$("$project/tests/cluster/assets.sh")
programs=$("$project/tests/clients/programs.sh")
folder=$(mktemp -d)
started=()
trap '[ ${#started[@]} = 0 ] || { kill "${started[@]}"; wait "${started[@]}"; } 2>/dev/null || true; rm -rf "$folder"' EXIT

read -r client peer port < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(it.getsockname()[1] for it in sockets))')
"$server/etcd" --data-dir="$folder/etcd" --listen-client-urls="http://127.0.0.1:$client" \
  --advertise-client-urls="http://127.0.0.1:$client" --listen-peer-urls="http://127.0.0.1:$peer" \
  --initial-advertise-peer-urls="http://127.0.0.1:$peer" --initial-cluster="default=http://127.0.0.1:$peer" \
  >"$folder/etcd.log" 2>&1 &
started+=($!)
openssl genrsa -out "$folder/accounts.key" 2048 2>/dev/null
token=$(openssl rand -hex 16)
echo "$token,admin,admin,system:masters" >"$folder/tokens"
"$server/kube-apiserver" --etcd-servers="http://127.0.0.1:$client" --bind-address=127.0.0.1 --secure-port="$port" \
  --insecure-port=0 --cert-dir="$folder/certificates" --token-auth-file="$folder/tokens" --authorization-mode=RBAC \
  --service-account-key-file="$folder/accounts.key" --service-account-signing-key-file="$folder/accounts.key" \
  --service-account-issuer=https://kubernetes.default.svc --service-cluster-ip-range=127.96.0.0/16 \
  --disable-admission-plugins=ServiceAccount >"$folder/kube-apiserver.log" 2>&1 &
started+=($!)
cat >"$folder/kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:$port", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: "$token"}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
YAML
export KUBECONFIG="$folder/kubeconfig" HELM_CACHE_HOME="$folder/helm" HELM_CONFIG_HOME="$folder/helm" HELM_DATA_HOME="$folder/helm"
for _ in $(seq 120); do
  ! "$programs/kubectl-1.31" get namespace default >/dev/null 2>&1 || break
  sleep 0.5
done
"$programs/kubectl-1.31" get namespace default >/dev/null
