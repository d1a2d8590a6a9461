#!/bin/sh
# Builds versitygw, an S3-compatible server, for the tests:
#   build_versitygw.sh DIR     makes DIR/versitygw
# From the Go module proxy, in a pinned version: it is no Debian package. Where
# there is no Go, or no network, says so; tests of S3 then skip themselves.
set -eu

version=v1.8.0
dir=$1
[ ! -x "$dir/versitygw" ] || exit 0
PATH=$PATH:/usr/local/go/bin
if ! command -v go >/dev/null; then
  echo "There is no Go: S3 is not tested."
  exit 0
fi
mkdir -p "$dir"
GOBIN=$(cd "$dir" && pwd) GOFLAGS=-p=${JOBS:-2} \
  timeout 600 go install "github.com/versity/versitygw/cmd/versitygw@$version" \
  >"$dir/build.log" 2>&1 ||
  echo "versitygw was not built, see $dir/build.log: S3 is not tested."
