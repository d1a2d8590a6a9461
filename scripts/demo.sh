#!/usr/bin/env bash
# The whole of Tributary on real data: build, publish, load, retrieve, judge,
# swap under load, scrape. `make demo` calls it. KEEP=1 leaves server and loader
# running. Both versions are kept in demo/ and used again by the next demo, until
# the programs or the package index change.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=build/bin
dir=demo
mkdir -p "$dir"
# Two demos share nothing but this.
exec 9>"$dir/lock"
flock -n 9 || { echo "Another demo is running in $dir/." >&2; exit 1; }
rm -rf "$dir"/{store,bundles,replies} "$dir"/*.log
mkdir -p "$dir"/{built,store,bundles}

bold=$(tput bold 2>/dev/null || true)
plain=$(tput sgr0 2>/dev/null || true)
say() { printf '\n%s%s%s (at %d s)\n' "$bold" "$*" "$plain" "$SECONDS"; }
fail() { echo "demo: $*" >&2; exit 1; }

server= loader= caller=
stop() {
  local status=$?
  [ -z "$caller" ] || kill "$caller" 2>/dev/null || true
  if [ -z "${KEEP:-}" ] || [ "$status" -ne 0 ]; then
    for pid in $loader $server; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
  fi
}
trap stop EXIT

# The usual port if it is free, else any.
port() { (: </dev/tcp/127.0.0.1/"$1") 2>/dev/null && echo 0 || echo "$1"; }

# wait_for DESCRIPTION COMMAND...: at most a minute.
wait_for() {
  local what=$1; shift
  printf 'waiting for %s ' "$what"
  for _ in $(seq 600); do
    if "$@"; then echo "ok"; return; fi
    printf '.'; sleep 0.1
  done
  echo; tail -5 "$dir"/*.log >&2
  fail "$what did not come"
}

if [ "$(apt-cache dumpavail 2>/dev/null | head -c 1 | wc -c)" -eq 0 ]; then
  say "Fetching Debian's package index, the data of this demo"
  if [ "$(id -u)" -eq 0 ]; then apt-get update -qq; else sudo apt-get update -qq; fi
fi

say "1. Version 1 from Debian's package index, a fifth of the dependencies held out"
echo "(source packages are users, the packages they depend on are items)"
# What the versions depend on.
inputs=$( { cat $bin/tributary; apt-cache dumpavail; } | sha256sum)
if [ "$inputs" = "$(cat "$dir/built/inputs" 2>/dev/null)" ]; then
  echo "The last demo built it from the same index with the same program;" \
    "rm -r $dir to build it again."
else
  echo "The build chooses its settings and measures itself: two to three minutes" \
    "on two cores."
  rm -rf "$dir"/built/*
  $bin/tributary build --data debian --out "$dir/built" --version 1 \
    --holdout 0.2 --test-out "$dir/test.inter"
  printf '%s\n' "$inputs" >"$dir/built/inputs"
fi
$bin/tributary publish "$dir/built/1" "$dir/store"

say "2. A server and its loader"
$bin/tributary-server --bundles "$dir/bundles" \
  --listen "127.0.0.1:$(port 7700)" --http "127.0.0.1:$(port 7701)" \
  --admin "127.0.0.1:$(port 7702)" \
  --live_recall.sample_share 0.2 \
  >"$dir/server.log" 2>&1 </dev/null 9>&- &
server=$!
wait_for "the server" grep -q event=listening "$dir/server.log"
grpc=$(sed -n 's/.*event=listening grpc=\([^ ]*\).*/\1/p' "$dir/server.log")
http=$(sed -n 's/.*event=listening.* http=\([^ ]*\).*/\1/p' "$dir/server.log")
$bin/tributary-loader --store "$dir/store" --bundles "$dir/bundles" \
  --control "unix:$dir/bundles/control.sock" --poll-interval-ms 200 \
  >"$dir/loader.log" 2>&1 </dev/null 9>&- &
loader=$!
wait_for "version 1 to serve" curl -sf -o /dev/null "http://$http/readyz"
grep -h 'event=activated' "$dir"/*.log | head -2

say "3. What might these source packages depend on, besides what they declare?"
for user in nginx postgresql-15 inkscape; do
  echo; echo "$user:"
  $bin/tributary retrieve "$user" -k 10 --address "$grpc"
done

say "4. Recall on the held-out dependencies, per source and fused"
$bin/tributary eval --bundle "$dir/built/1" --test "$dir/test.inter" \
  -k 20,100,500 --users 3000 --html "$dir/report.html" | tee "$dir/recall.txt"

say "5. Version 2 from all of the dependencies, while requests go on"
echo "(--like takes over what version 1 chose, as a nightly retraining would)"
if [ -e "$dir/built/2/manifest.json" ]; then
  echo "The last demo built it."
else
  $bin/tributary build --data debian --out "$dir/built" --version 2 \
    --like "$dir/built/1"
fi
: >"$dir/replies"
touch "$dir/calling"
while [ -e "$dir/calling" ]; do
  $bin/tributary retrieve nginx -k 500 --address "$grpc" --json 2>&1 |
    grep -E '"bundleVersion"|^error:' >>"$dir/replies" || true
done 9>&- &
caller=$!
$bin/tributary publish "$dir/built/2" "$dir/store"
wait_for "version 2 to serve" grep -q 'bundleVersion": "2"' "$dir/replies"
sleep 1
rm "$dir/calling"; wait "$caller"; caller=
replies() { grep -c "$1" "$dir/replies" || true; }
echo "$(wc -l <"$dir/replies") requests: $(replies '"1"') answered from version 1," \
  "$(replies '"2"') from version 2, $(replies ^error:) failed"
[ "$(replies ^error:)" -eq 0 ] || fail "requests failed during the swap"

say "6. What Prometheus scrapes (http://$http/metrics)"
curl -sf "http://$http/metrics" | grep -E \
  -e '^grpc_server_handled_total.*"Retrieve".*"OK"' \
  -e '^grpc_server_handling_seconds_(sum|count).*"Retrieve"' \
  -e '^tributary_(active_version|swaps_total|swap_seconds_sum) ' \
  -e '^tributary_candidates_total' -e '^tributary_live_recall[{].*asked' \
  -e '^tributary_build_recall.*fused.*"(20|500)"'

say "7. What to look at: $dir/report.html, one page that a browser opens offline"
best() { awk -v k="$1" '$1 == "recall" { table = 1; next } /^\(|^$/ { table = 0 }
  table && $1 != "fused" && $k > most { most = $k; name = $1 }
  END { print name, "with", most }' "$dir/recall.txt"; }
fused() { awk -v k="$1" '$1 == "fused" { print $k; exit }' "$dir/recall.txt"; }
echo "  Of what was held out, a share of $(fused 3) is in the first 100 candidates;"
echo "  the best source alone is $(best 3)."
echo "  Its plots show recall against list length, by segment, and a map of items."

say "8. Try next"
cat <<END
  $bin/tributary retrieve gimp -k 20 --quota behavior=10,content=10 --address $grpc
  $bin/tributary retrieve --recent libgtk-3-0,libpng16-16 -k 10 --address $grpc
  $bin/tributary inspect $dir/built/2
  curl -s -d '{"userKey":"nginx","k":5}' http://$http/v1/retrieve
  http://$http/console#lookup?user=nginx&k=20    in a browser
  grpcurl -plaintext -d '{"user_key":"nginx","k":5}' $grpc tributary.v1.Retrieval/Retrieve
END
if [ -n "${KEEP:-}" ]; then
  echo "Server and loader stay up; stop them with: kill $loader $server"
else
  echo "(with 'make demo KEEP=1' server and loader stay up for these)"
fi
