#!/usr/bin/env bash
# build_deploy_tools.sh DIR: what checks deploy/, as programs in DIR, in pinned
# versions: Helm, kustomize and kube-score from the Go module proxy, and
# kubernetes-validate from PyPI. Debian has none of them. What cannot be had is
# named; its tests then skip themselves.
set -euo pipefail
dir=$1
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
PATH=$PATH:/usr/local/go/bin

if command -v go >/dev/null; then
  for module in helm.sh/helm/v3/cmd/helm@v3.21.4 \
    sigs.k8s.io/kustomize/kustomize/v5@v5.8.1 \
    github.com/zegl/kube-score/cmd/kube-score@v1.20.0; do
    name=${module%@*}
    name=${name%/v[0-9]}
    name=${name##*/}
    [ ! -x "$dir/$name" ] || continue
    echo "Building $name: some minutes"
    GOBIN=$dir GOFLAGS=-p=${JOBS:-2} go install -ldflags='-s -w' "$module" \
      >"$dir/$name.log" 2>&1 || echo "$name was not built, see $dir/$name.log"
  done
else
  echo "There is no Go: the chart is not tested."
fi

if [ ! -x "$dir/venv/bin/kubernetes-validate" ]; then
  if python3 -m venv "$dir/venv" >/dev/null 2>&1; then
    "$dir/venv/bin/pip" install --quiet kubernetes-validate==1.37.0 ||
      echo "kubernetes-validate was not installed."
  else
    echo "There is no python3-venv: kubernetes-validate was not installed."
  fi
fi
