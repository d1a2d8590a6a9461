#!/usr/bin/env bash
# Generates the stubs of the Go and Node clients from proto/, which are
# committed, so that users of these clients need no protoc:
#   generate_clients.sh go TOOLS [OUT]     client/go/tributarypb
#   generate_clients.sh node TOOLS [OUT]   client/node/lib/gen
# TOOLS is a directory with the plugins: protoc-gen-go and protoc-gen-go-grpc,
# or protoc-gen-es; tests/client/go_test.sh and node_test.sh install them, in
# pinned versions. OUT is another root than this tree, to compare with.
set -euo pipefail
language=$1
PATH=$(cd "$2" && pwd):$PATH
[ $# -lt 3 ] || mkdir -p "$3"
root=$(cd "$(dirname "$0")/.." && pwd)
out=$(cd "${3:-$root}" && pwd)
cd "$root"
services=(tributary/v1/{retrieval,explain,bundles,changes,change_service}.proto)
case $language in
  go)
    module=module=tributary.dev/client/go
    mkdir -p "$out/client/go"
    protoc -I proto --go_out="$out/client/go" --go_opt=$module \
      --go-grpc_out="$out/client/go" --go-grpc_opt=$module "${services[@]}"
    # Plugins write into the generated files which protoc called them, and
    # Debian's next one writes the same code.
    sed -i '/^\/\/ .*protoc  *v/d' "$out"/client/go/tributarypb/*.pb.go
    ;;
  node)
    mkdir -p "$out/client/node/lib/gen"
    protoc -I proto --es_out="$out/client/node/lib/gen" \
      --es_opt=target=js+dts,import_extension=js \
      "${services[@]}" google/rpc/{status,error_details}.proto
    ;;
  *) echo "usage: $0 go|node TOOLS [OUT]" >&2; exit 2 ;;
esac
