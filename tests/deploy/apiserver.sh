#!/usr/bin/env bash
# apiserver.sh DIR: builds kube-apiserver as DIR/kube-apiserver, and applies the
# chart and kustomize to it. `make deploy-test` calls it. Needs Go, and etcd of
# Debian's etcd-server; the first run takes long.
set -euo pipefail
dir=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/local/go/bin

if [ ! -x "$dir/kube-apiserver" ]; then
  command -v go >/dev/null || {
    echo "There is no Go: no kube-apiserver is tested."
    exit 0
  }
  echo "Building kube-apiserver: this takes long"
  # It says which version it is, for charts look at that.
  version=k8s.io/component-base/version
  (cd "$here/apiserver" && GOFLAGS=-p=${JOBS:-2} go build -ldflags="-s -w \
    -X $version.gitMajor=1 -X $version.gitMinor=36 -X $version.gitVersion=v1.36.1" \
    -o "$dir/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver)
fi
# The kinds of the Prometheus operator.
if [ ! -d "$dir/crds" ]; then
  module=github.com/prometheus-operator/prometheus-operator@v0.85.0
  folder=$(cd "$here/apiserver" && go mod download -json "$module" |
    sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  mkdir "$dir/crds"
  for kind in servicemonitors prometheusrules; do
    cp "$folder/example/prometheus-operator-crd/monitoring.coreos.com_$kind.yaml" "$dir/crds/"
  done
fi
TRIBUTARY_DEPLOY_TOOLS=$dir /usr/bin/python3 "$here/apiserver_test.py"
