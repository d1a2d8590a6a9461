#!/usr/bin/env bash
# Tests client/go: that it is formatted and vetted, that its stubs are what the
# protos say, and that its own tests pass.
#   go_test.sh DIR BINARIES     keeps the plugins of protoc in DIR
set -euo pipefail
mkdir -p "$1"
tools=$(cd "$1" && pwd)
binaries=$(cd "$2" && pwd)
root=$(cd "$(dirname "$0")/../../.." && pwd)
PATH=$PATH:/usr/local/go/bin
export GOTOOLCHAIN=local GOFLAGS=-p=${JOBS:-2}

skip() {
  echo "skipped: $*"
  exit 77
}
command -v go >/dev/null ||
  skip "there is no Go; scripts/install_deps.sh clients installs it"
minor=$(go env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
[ "${minor:-0}" -ge 19 ] || skip "$(go version) is older than Go 1.19"

cd "$root/client/go"
timeout 300 go mod download >"$tools/download.log" 2>&1 ||
  skip "the modules cannot be downloaded: $(tail -1 "$tools/download.log")"
for plugin in google.golang.org/protobuf/cmd/protoc-gen-go@v1.33.0 \
  google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.3.0; do
  name=${plugin##*/}
  [ -x "$tools/bin/$name" ] || GOBIN="$tools/bin" timeout 300 \
    go install "$plugin" >"$tools/install.log" 2>&1 ||
    skip "$plugin cannot be installed: $(tail -1 "$tools/install.log")"
  # The name is that of the version, so that another one is installed.
  mv "$tools/bin/${name%@*}" "$tools/bin/$name" 2>/dev/null || true
  ln -sf "$name" "$tools/bin/${name%@*}"
done

unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "gofmt -w: $unformatted"; exit 1; }

rm -rf "$tools/stubs"
"$root/scripts/generate_clients.sh" go "$tools/bin" "$tools/stubs"
diff -ru "$tools/stubs/client/go/tributarypb" tributarypb || {
  echo "stale; make them anew: scripts/generate_clients.sh go $tools/bin"
  exit 1
}

go vet ./...
TRIBUTARY_BIN_DIR=$binaries go test -count=1 ./...
