#!/usr/bin/env python3
"""Writes the dashboards in deploy/grafana/dashboards/.

    generate.py           writes them
    generate.py --check   exits with 1 where a file is not what this makes

Grafana's JSON says every panel in forty lines that differ in three, so that the
panels are declared here, and the files are what Grafana reads.
"""

import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent / "dashboards"
# Of every query: the variables at the top of a dashboard.
WHERE = 'job="$job",instance=~"$instance"'
# Calls of callers, over gRPC and HTTP; not the control plane.
CALLS = WHERE + ',grpc_service=~"tributary.v1.Retrieval|http"'
# All other calls.
OTHERS = WHERE + ',grpc_service!~"tributary.v1.Retrieval|http"'
# Requests that were routed, and failed.
FAILED = WHERE + ',code!="OK"'
WIDTH = 24


def rate(metric, selector=WHERE, window="$__rate_interval"):
    return f"rate({metric}{{{selector}}}[{window}])"


def quantile(q, metric, by, selector=WHERE):
    by = f"{by}, le" if by else "le"
    return f"histogram_quantile({q}, sum by ({by}) ({rate(metric + '_bucket', selector)}))"


def panel(title, queries, unit="short", what="", kind="timeseries", width=8, **options):
    """queries: [(expression, legend)]."""
    custom = {"fillOpacity": 10, "showPoints": "never"}
    if options.get("stacked"):
        custom["stacking"] = {"mode": "normal"}
    defaults = {"unit": unit, "custom": custom} if kind == "timeseries" else {"unit": unit}
    if "max" in options:
        defaults["max"] = options["max"]
    if "red_above" in options or "red_below" in options:
        red_first = "red_below" in options
        defaults["thresholds"] = {"mode": "absolute", "steps": [
            {"color": "red" if red_first else "green", "value": None},
            {"color": "green" if red_first else "red",
             "value": options["red_below" if red_first else "red_above"]}]}
    table = kind == "table"
    made = {
        "title": title, "type": kind, "description": what,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "gridPos": {"h": options.get("height", 8), "w": width},
        "targets": [{
            "refId": chr(ord("A") + i), "expr": expression, "legendFormat": legend,
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            **({"instant": True, "format": "table"} if table else
               {"instant": True} if kind == "stat" else {}),
        } for i, (expression, legend) in enumerate(queries)],
    }
    if kind == "stat":
        made["options"] = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value"}
    if table:
        made["transformations"] = [{"id": "organize", "options": {"excludeByName": {
            "Time": True, "__name__": True, "Value": True}}}]
    return made


def stat(title, expression, unit="short", what="", **options):
    return panel(title, [(expression, "")], unit, what, "stat", 4, height=4, **options)


def variable(name, query, multi):
    return {"name": name, "type": "query", "query": query, "refresh": 2,
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "includeAll": multi, "multi": multi, **({"allValue": ".*"} if multi else {})}


def dashboard(uid, title, what, rows):
    panels, y, number = [], 0, 0
    for heading, members in rows:
        number += 1
        panels.append({"id": number, "type": "row", "title": heading, "collapsed": False,
                       "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": y}, "panels": []})
        y, x, height = y + 1, 0, 0
        for member in members:
            number += 1
            at = member["gridPos"]
            if x + at["w"] > WIDTH:
                x, y, height = 0, y + height, 0
            panels.append({"id": number, **member, "gridPos": {**at, "x": x, "y": y}})
            x, height = x + at["w"], max(height, at["h"])
        y += height
    return {
        "uid": f"tributary-{uid}", "title": f"Tributary: {title}", "description": what,
        "tags": ["tributary"], "schemaVersion": 38, "version": 1, "editable": True,
        "refresh": "30s", "time": {"from": "now-3h", "to": "now"}, "timezone": "",
        "annotations": {"list": [{
            "name": "activations", "enable": True, "iconColor": "blue",
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "expr": f"changes(tributary_swaps_total{{{WHERE}}}[1m]) > 0",
            "titleFormat": "{{instance}} activated a version"}]},
        "links": [{"type": "dashboards", "tags": ["tributary"], "title": "Tributary",
                   "asDropdown": True}],
        "templating": {"list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus"},
            variable("job", "label_values(tributary_active_version, job)", False),
            variable("instance", 'label_values(tributary_active_version{job="$job"}, instance)',
                     True)]},
        "panels": panels,
    }


OVERVIEW = dashboard("overview", "overview", "Whether callers are served, for who is on call.", [
    ("Now", [
        stat("Servers that answer", 'sum(up{job="$job"})'),
        stat("Calls a second", f"sum({rate('grpc_server_handled_total', CALLS)})", "reqps"),
        stat("Failed calls", 'tributary:errors:ratio_rate5m{job="$job"}', "percentunit",
             "Without those that failed by the caller's own fault. The objective is 0.1 % over "
             "30 days.", red_above=0.001),
        stat("Slower than 50 ms", 'tributary:slow:ratio_rate5m{job="$job"}', "percentunit",
             "The objective is 1 % over 30 days.", red_above=0.01),
        stat("Service level", f"max(tributary_service_level{{{WHERE}}})", "short",
             "0 all, 1 less search effort, 2 fewer sources, 3 popularity only.", red_above=1),
        stat("Age of the version", f"max(tributary_bundle_age_seconds{{{WHERE}}})", "s",
             "Since the oldest active version was built.", red_above=36 * 3600),
    ]),
    ("Calls", [
        panel("Calls by code", [
            (f"sum by (grpc_code) ({rate('grpc_server_handled_total', CALLS)})", "{{grpc_code}}")],
            "reqps", stacked=True),
        panel("Latency", [
            (quantile(q, "grpc_server_handling_seconds", "grpc_method", CALLS),
             f"{name} {{{{grpc_method}}}}")
            for q, name in ((0.5, "p50"), (0.99, "p99"), (0.999, "p99.9"))], "s",
            "By the server's clock, from the first byte of a call to its reply."),
        panel("p99 by server", [
            (quantile(0.99, "grpc_server_handling_seconds", "instance", CALLS), "{{instance}}")],
            "s"),
        panel("Failed requests by label and profile", [
            (f"sum by (label, profile, code) ({rate('tributary_requests_total', FAILED)})",
             "{{label}} {{profile}} {{code}}")], "reqps",
            "Requests that were routed to a version; the label stable is the active one. An "
            "entry of a batch counts as one.", stacked=True),
        panel("Methods by code", [
            (f"sum by (grpc_service, grpc_method, grpc_code) "
             f"({rate('grpc_server_handled_total', OTHERS)})",
             "{{grpc_method}} {{grpc_code}}")], "reqps",
            "What is no call of the data plane: control, health, scrapes and the console."),
        panel("Error budget: how fast it burns", [
            (f'tributary:errors:ratio_rate{window}{{job="$job"}} / 0.001', f"failures, {window}")
            for window in ("5m", "1h", "6h")] + [
            (f'tributary:slow:ratio_rate{window}{{job="$job"}} / 0.01', f"slow calls, {window}")
            for window in ("5m", "1h", "6h")], "short",
            "1 uses the budget up in just 30 days; 14.4 for an hour pages."),
        panel("Users", [
            (f"sum({rate('tributary_retrievals_total')})", "requests"),
            (f"sum({rate('tributary_cold_starts_total')})", "of cold users"),
            (f"sum({rate('tributary_degraded_total')})", "without a source")], "reqps",
            "A batch counts as many requests as it has. Cold users are not in the version."),
        panel("Calls by server", [
            (f"sum by (instance) ({rate('grpc_server_handled_total', CALLS)})", "{{instance}}")],
            "reqps", stacked=True),
    ]),
    ("Overload", [
        panel("Requests in progress", [
            (f"sum by (instance) (tributary_requests_in_flight{{{WHERE}}})", "{{instance}}"),
            (f"sum by (instance) (tributary_requests_waiting{{{WHERE}}})", "{{instance}} waiting"),
            (f"min(tributary_concurrency_limit{{{WHERE}}})", "lowest limit")]),
        panel("Refused and dropped calls", [
            (f"sum by (reason) ({rate('tributary_refused_total')})", "refused: {{reason}}"),
            (f"sum({rate('tributary_dropped_total')})", "dropped while they waited")], "reqps"),
        panel("Requests by service level", [
            (f"sum by (level) ({rate('tributary_answered_total')})", "{{level}}")], "reqps",
            stacked=True),
    ]),
    ("Recall and versions", [
        panel("Live recall", [
            (f'min by (retriever) (tributary_live_recall{{{WHERE},k="asked"}})', "{{retriever}}")],
            "percentunit", "What the index finds of the exact answer, on sampled live requests: "
            "the lowest of all servers.", max=1),
        panel("Active version", [
            (f"tributary_active_version{{{WHERE}}}", "{{instance}}"),
            (f"max(tributary_loader_store_version{{{WHERE}}})", "CURRENT of the store")]),
        panel("Alerts", [('ALERTS{alertname=~"Tributary.*",alertstate="firing"}', "")],
              kind="table"),
    ]),
])

SOURCES = dashboard("sources", "sources", "What each retriever adds to the lists, and costs.", [
    ("What they add", [
        panel("Share of the candidates", [
            (f"sum by (retriever) ({rate('tributary_candidates_total')})"
             f" / on () group_left () sum({rate('tributary_candidates_total')})",
             "{{retriever}}")], "percentunit", "By whose quota a candidate counts.",
            stacked=True, max=1),
        panel("Candidates of each request", [
            (f"sum by (retriever) ({rate('tributary_candidates_proposed_total')})"
             f" / on () group_left () sum({rate('tributary_retrievals_total')})",
             "{{retriever}}")], "short",
            "Candidates in a reply that the retriever proposed, whichever quota they count "
            "towards."),
        panel("Overlap", [
            (f"sum by (retriever, other) ({rate('tributary_source_overlap_total')})"
             " / on (retriever) group_left () "
             f"sum by (retriever) ({rate('tributary_candidates_proposed_total')})",
             "{{retriever}} also by {{other}}")], "percentunit",
            "Share of a retriever's candidates that another one proposed as well.", max=1),
    ]),
    ("What they lack", [
        panel("Shortfall by cause", [
            (f"sum by (cause) ({rate('tributary_shortfall_total')})", "{{cause}}")], "short",
            "Candidates a second by which quotas were missed."),
        panel("Shortfall by retriever and cause", [
            (f"sum by (retriever, cause) ({rate('tributary_shortfall_total')})"
             " / on () group_left () "
             f"sum({rate('tributary_retrievals_total')})", "{{retriever}} {{cause}}")],
            "short", "Candidates for each request."),
        panel("Live recall by length of the list", [
            (f"min by (retriever, k) (tributary_live_recall{{{WHERE}}})", "{{retriever}} @{{k}}")],
            "percentunit", max=1),
    ]),
    ("What they cost", [
        panel("Search, p50", [
            (quantile(0.5, "tributary_retriever_seconds", "retriever"), "{{retriever}}")], "s"),
        panel("Search, p99", [
            (quantile(0.99, "tributary_retriever_seconds", "retriever"), "{{retriever}}")], "s"),
        panel("Time of all threads", [
            (f"sum by (retriever) ({rate('tributary_retriever_seconds_sum')})", "{{retriever}}"),
            (f"sum({rate('tributary_fusion_seconds_sum')})", "fusion")], "s",
            "Seconds of searching in each second.", stacked=True),
        panel("Fusion", [
            (quantile(q, "tributary_fusion_seconds", ""), name)
            for q, name in ((0.5, "p50"), (0.99, "p99"))], "s"),
        panel("Waiting for a thread", [
            (quantile(q, "tributary_wait_seconds", ""), name)
            for q, name in ((0.5, "p50"), (0.99, "p99"))], "s"),
        panel("Live recall: samples", [
            (f"sum({rate('tributary_live_recall_samples_total')})", "searched again"),
            (f"sum({rate('tributary_live_recall_dropped_total')})", "dropped, the queue was full")],
            "reqps"),
    ]),
    ("Filters, item sets and caps", [
        panel("Filter, time to find what passes", [
            (quantile(q, "tributary_filter_seconds", ""), name)
            for q, name in ((0.5, "p50"), (0.99, "p99"))], "s",
            "Of requests with a filter. Filters that were used before take next to no time."),
        panel("Filters known from earlier requests", [
            ("tributary:filter_cache_hits:ratio_rate5m{job=\"$job\"}", "share")],
            "percentunit", "If it is low, raise filters.cache_bytes, or ask with fewer "
            "different filters.", max=1),
        panel("Share of the items that pass", [
            (f"sum by (at_most) ({rate('tributary_filter_shares_total')})",
             "at most {{at_most}}")], "reqps", "Requests with a filter.", stacked=True),
        panel("Requests with filters and caps", [
            (f"sum({rate('tributary_filters_total')})", "with a filter"),
            (f"sum({rate('tributary_filters_relaxed_total')})", "with terms dropped"),
            (f"sum({rate('tributary_capped_total')})", "with caps"),
            (f"sum({rate('tributary_capped_deeper_total')})", "asked for more under caps")],
            "reqps"),
        panel("Items that caps kept out", [
            ("tributary:cap_rejections:per_request_rate5m{job=\"$job\"}", "of each request")],
            "short", "Proposed items, of each request with caps."),
        panel("Item sets", [
            (f"max by (instance) (tributary_item_sets_bytes{{{WHERE}}})", "{{instance}}")],
            "bytes", "Memory of the keys of all sets that requests may exclude by name."),
    ]),
    ("When the version was built", [
        panel("Recall of held-out interactions", [
            (f"max by (source, k) (tributary_build_recall{{{WHERE}}})", "{{source}} @{{k}}")],
            "percentunit", max=1, width=24),
    ]),
])

VERSIONS = dashboard("versions", "versions and loaders", "What is served, and how it came there.", [
    ("Now", [
        stat("Lowest active version", f"min(tributary_active_version{{{WHERE}}})"),
        stat("Highest active version", f"max(tributary_active_version{{{WHERE}}})"),
        stat("CURRENT of the store", f"max(tributary_loader_store_version{{{WHERE}}})"),
        stat("Last refused version", f"max(tributary_loader_last_refused_version{{{WHERE}}})",
             "short", "0 for none."),
        stat("Age of the oldest version", f"max(tributary_bundle_age_seconds{{{WHERE}}})", "s",
             red_above=36 * 3600),
        stat("Oldest report of a loader",
             f"max(tributary_loader_report_age_seconds{{{WHERE}}})", "s", red_above=120),
    ]),
    ("Versions", [
        panel("Active version", [
            (f"tributary_active_version{{{WHERE}}}", "{{instance}}"),
            (f"tributary_loader_last_good_version{{{WHERE}}}", "{{instance}} last good")]),
        panel("Active since", [
            (f"time() - tributary_activated_timestamp_seconds{{{WHERE}}}", "{{instance}}")], "s"),
        panel("Versions in memory", [
            (f"sum by (version, state) (tributary_bundle_state{{{WHERE}}})",
             "{{version}} {{state}}")], "short", "On how many servers."),
        panel("Size of versions in memory", [
            (f"max by (version) (tributary_resident_bytes{{{WHERE}}})", "{{version}}")], "bytes"),
        panel("Activations", [
            (f"sum by (instance) (increase(tributary_swaps_total{{{WHERE}}}[1h]))",
             "{{instance}}")], "short", "Within an hour."),
        panel("Duration of activations", [
            (f"sum({rate('tributary_swap_seconds_sum', WHERE, '1h')})"
             f" / sum({rate('tributary_swap_seconds_count', WHERE, '1h')})", "mean")], "s"),
        panel("Labels: version", [
            (f"max by (label) (tributary_label_version{{{WHERE}}})", "{{label}}")]),
        panel("Labels: share of the users", [
            (f"max by (label) (tributary_label_share{{{WHERE}}})", "{{label}}")], "percentunit",
            max=1),
        panel("Refusals", [
            (f"sum by (instance) (increase(tributary_bundle_refusals_total{{{WHERE}}}[1h]))",
             "{{instance}}"),
            (f"sum(increase(tributary_loader_forced_total{{{WHERE}}}[1h]))",
             "activated although refused")], "short", "Within an hour."),
    ]),
    ("Loaders", [
        panel("Failed steps in a row", [
            (f"tributary_loader_consecutive_errors{{{WHERE}}}", "{{instance}}")]),
        panel("Age of the last report", [
            (f"tributary_loader_report_age_seconds{{{WHERE}}}", "{{instance}}")], "s"),
        panel("Bytes", [
            (f"sum({rate('tributary_loader_fetched_bytes_total')})", "fetched from the store"),
            (f"sum({rate('tributary_loader_shared_bytes_total')})",
             "shared with another version")], "Bps"),
    ]),
])

PROCESS = dashboard("process", "processes", "Memory, processors and files of the servers.", [
    ("Now", [
        panel("Programs", [(f"tributary_build_info{{{WHERE}}}", "")], kind="table", width=12),
        panel("Running since", [
            (f"time() - process_start_time_seconds{{{WHERE}}}", "{{instance}}")], "s", width=12),
    ]),
    ("Memory", [
        panel("Resident memory", [
            (f"process_resident_memory_bytes{{{WHERE}}}", "{{instance}}")], "bytes",
            "Mapped files of versions count as far as they are in memory."),
        panel("Memory of the container", [
            (f"tributary_memory_limit_bytes{{{WHERE}}}", "{{instance}} limit"),
            (f"tributary_memory_available_bytes{{{WHERE}}}", "{{instance}} available")], "bytes"),
        panel("Files of versions", [
            (f"sum by (instance) (tributary_resident_bytes{{{WHERE}}})", "{{instance}}")], "bytes",
            "Of all versions in memory."),
    ]),
    ("Processors and files", [
        panel("Processors in use", [
            (f"sum by (instance) ({rate('process_cpu_seconds_total')})", "{{instance}}")]),
        panel("Threads", [(f"process_threads{{{WHERE}}}", "{{instance}}")]),
        panel("Open files", [
            (f"process_open_fds{{{WHERE}}}", "{{instance}}"),
            (f"min(process_max_fds{{{WHERE}}})", "lowest limit")]),
    ]),
])


def main():
    wanted = {f"{name}.json": json.dumps(made, indent=1, ensure_ascii=False) + "\n"
              for name, made in (("overview", OVERVIEW), ("sources", SOURCES),
                                 ("versions", VERSIONS), ("process", PROCESS))}
    if sys.argv[1:] == ["--check"]:
        there = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
        wrong = sorted(name for name in wanted.keys() | there.keys()
                       if wanted.get(name) != there.get(name))
        if wrong:
            sys.exit(f"{FOLDER}: {', '.join(wrong)}: not what generate.py makes; run it")
        return
    if sys.argv[1:]:
        sys.exit(__doc__)
    FOLDER.mkdir(exist_ok=True)
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
