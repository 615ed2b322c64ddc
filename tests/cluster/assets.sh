#!/usr/bin/env bash
# Prints the folder that holds etcd, kube-apiserver and kube-controller-manager, and fills it first where
# it is empty.
#
# KUBEBUILDER_ASSETS (envtest's convention) names such a folder; where it is set nothing is built.
# Otherwise the folder is a cache of the user's. etcd is Debian's package, unpacked and not installed, as
# installing it starts it; kube-apiserver is built from Debian 12's source package `kubernetes`, the only
# Debian release whose source holds the server: about 8 minutes on two cores, once. An interrupted run is
# taken up where it ended.
#
# The crate `ring` needs a C compiler; it is installed where it is missing.
set -euo pipefail

readonly KUBERNETES_VERSION=1.20.2
readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/tiller-guard"
readonly ASSETS="$CACHE/kubernetes-$KUBERNETES_VERSION"
readonly WORK="$CACHE/build-kubernetes-$KUBERNETES_VERSION"
readonly SERVERS=(kube-apiserver kube-controller-manager)
readonly LIBRARIES=(etcd-server golang-github-modern-go-reflect2-dev)

say() { printf 'tiller-guard assets: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else fail "cannot run as root: $*. Run that yourself, or set KUBEBUILDER_ASSETS"
  fi
}

install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  say "installing Debian packages: ${missing[*]}"
  as_root apt-get update -qq >&2 || say "apt-get update reported errors; going on with the lists it has"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    </dev/null >&2 || fail "cannot install ${missing[*]}: install them, or set KUBEBUILDER_ASSETS"
}

# The machine's own apt entries with their source entries, in a configuration of our own.
fetch() {
  local apt="$WORK/apt" file options
  [ -e "$WORK/fetched/done" ] && return
  rm -rf "$apt" "$WORK/fetched"
  mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial" "$WORK/fetched"
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -e "$file" ] && sed 's/^Types:.*/Types: deb deb-src/' "$file" >"$apt/parts/$(basename "$file")"
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -e "$file" ] && sed -n 's/^deb[[:space:]]\(.*\)/deb \1\ndeb-src \1/p' "$file" \
      >"$apt/parts/$(basename "$file" .list).list"
  done
  options=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$apt/parts"
    -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
  say "downloading Debian's packages ${LIBRARIES[*]} and source package kubernetes"
  apt-get "${options[@]}" update -qq >&2 || say "some source lists could not be read; going on with the others"
  cd "$WORK/fetched"
  apt-get "${options[@]}" download -qq "${LIBRARIES[@]}" >&2
  apt-get "${options[@]}" source -qq --download-only kubernetes >&2 ||
    fail "Debian's archive gave no source package kubernetes: set KUBEBUILDER_ASSETS"
  touch "$WORK/fetched/done"
}

unpack_source() {
  local tree="$GOPATH/src/k8s.io/kubernetes" description
  [ -e "$tree/.unpacked" ] && return
  rm -rf "$tree"
  mkdir -p "$(dirname "$tree")"
  description=$(find "$WORK/fetched" -maxdepth 1 -name 'kubernetes_*.dsc' | head -n 1)
  say "unpacking $(basename "$description")"
  dpkg-source --no-check -x "$description" "$tree" >&2
  [ -d "$tree/cmd/kube-apiserver" ] || fail "this Debian release's source of kubernetes holds no kube-apiserver" \
    "(Debian 12's does): set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver"
  # The tree's own reflect2 1.0.1 reads maps as Go had them before 1.18: the server would crash on its
  # first webhook's patch. Debian 12 has 1.0.2.
  dpkg-deb -x "$WORK"/fetched/golang-github-modern-go-reflect2-dev_*.deb "$WORK/libraries"
  rm -rf "$tree/vendor/github.com/modern-go/reflect2"
  mv "$WORK/libraries/usr/share/gocode/src/github.com/modern-go/reflect2" "$tree/vendor/github.com/modern-go/"
  touch "$tree/.unpacked"
}

# Debian's tree lacks this one generated file. The libraries under vendor/k8s.io are symbolic links, which
# grep -R follows and grep -r does not; without their definitions the server does not start.
generate_openapi() {
  local packages directory
  [ -e "$WORK/openapi-done" ] && return
  say "generating the OpenAPI definitions"
  go build -o "$WORK/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  packages=$(grep -Rl --include='*.go' '+k8s:openapi-gen=' pkg/apis cmd vendor/k8s.io |
    grep -v -e '/code-generator/' -e '/sample-apiserver/' | xargs -n1 dirname | sort -u |
    while read -r directory; do echo "k8s.io/kubernetes/$directory"; done | paste -sd,)
  "$WORK/openapi-gen" -O zz_generated.openapi -h hack/boilerplate/boilerplate.generatego.txt \
    -p k8s.io/kubernetes/pkg/generated/openapi -r "$WORK/openapi-violations" -i "$packages" >&2
  touch "$WORK/openapi-done"
}

build_servers() {
  local version=k8s.io/kubernetes/vendor/k8s.io/component-base/version command
  export GOPATH="$WORK/go" GO111MODULE=off CGO_ENABLED=0 GOCACHE="$WORK/go-cache" GOFLAGS=
  export PATH="/usr/lib/go-1.19/bin:$PATH"
  unpack_source
  cd "$GOPATH/src/k8s.io/kubernetes"
  generate_openapi
  for command in "${SERVERS[@]}"; do
    [ -x "$ASSETS/$command" ] && continue
    say "building $command v$KUBERNETES_VERSION (several minutes)"
    go build -trimpath -o "$ASSETS/$command.new" -ldflags "-s -w -X $version.gitVersion=v$KUBERNETES_VERSION
      -X $version.gitMajor=1 -X $version.gitMinor=20 -X $version.gitTreeState=archive" "./cmd/$command" >&2
    mv "$ASSETS/$command.new" "$ASSETS/$command"
  done
}

complete() {
  local program
  for program in etcd "${SERVERS[@]}"; do [ -x "$ASSETS/$program" ] || return 1; done
}

make_assets() {
  grep -qx 'VERSION_ID="\?12"\?' /etc/os-release ||
    fail "only Debian 12's source package kubernetes holds the API server, and this is another system:" \
      "set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver"
  say "no API server yet: making one in $ASSETS, once (about 8 minutes on two cores)"
  mkdir -p "$ASSETS" "$WORK"
  install_packages golang-1.19-go dpkg-dev
  (fetch)
  (build_servers)
  dpkg-deb -x "$WORK"/fetched/etcd-server_*.deb "$WORK/etcd"
  install "$WORK/etcd/usr/bin/etcd" "$ASSETS/etcd.new"
  mv "$ASSETS/etcd.new" "$ASSETS/etcd"
  chmod -R u+w "$WORK"
  rm -rf "$WORK"
  say "the API server is ready"
}

main() {
  command -v cc >/dev/null || install_packages gcc libc6-dev
  if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
    if [ ! -x "$KUBEBUILDER_ASSETS/kube-apiserver" ] || [ ! -x "$KUBEBUILDER_ASSETS/etcd" ]; then
      fail "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS holds no etcd and kube-apiserver"
    fi
    echo "$KUBEBUILDER_ASSETS"
    return
  fi
  if ! complete; then
    mkdir -p "$CACHE"
    exec 9>"$CACHE/lock"
    flock 9
    # Another run may have made it while we waited.
    complete || make_assets
  fi
  echo "$ASSETS"
}

main
