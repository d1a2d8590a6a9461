"""Makes docs/openapi.json: the JSON endpoints of tributary-server as OpenAPI 3.1.

Messages, enums and RPCs come from proto/, with their comments; what HTTP adds
(paths, statuses, health, the console) is here. server/http/http_server.cc has
the endpoints, and a test compares both.
"""
import json
import re

# proto3's JSON of the scalar types, as the server writes them. It also reads
# 64-bit integers as numbers, where they are exact, and the names of the protos.
_INTEGERS = {"uint32": (0, 2**32 - 1), "int32": (-2**31, 2**31 - 1)}
_LONGS = {"uint64": "^[0-9]+$", "fixed64": "^[0-9]+$", "int64": "^-?[0-9]+$"}
_WELL_KNOWN = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?s$"},
}

# HTTP's status for the codes that an RPC may have (server/http/json_status.cc).
_STATUS = {"INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400, "NOT_FOUND": 404,
           "RESOURCE_EXHAUSTED": 429, "CANCELLED": 499, "ABORTED": 500,
           "UNIMPLEMENTED": 501, "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504}
# What every POST may answer, whatever its RPC.
_TRANSPORT = {
    401: "The caller shows no valid identity, and access.grants ask for one.",
    403: "access.grants do not allow the caller this.",
    405: "Another method than the path takes; the header Allow names it.",
    408: "The request was not complete within transport.http_read_timeout_ms.",
    411: "There is neither Content-Length nor Transfer-Encoding.",
    413: "The body is longer than limits.max_request_bytes.",
    415: "The body has a Content-Encoding.",
}

# path: (RPC, tag, summary, a request as an example, whether it is urgent or not).
_CALLS = {
    "/v1/retrieve": ("Retrieve", "retrieval", "Candidates for one user",
                     {"userKey": "nginx", "k": 5}, True),
    "/v1/batch": ("BatchRetrieve", "retrieval", "Candidates for several users",
                  {"requests": [{"userKey": "nginx", "k": 5}, {"userKey": "apache2", "k": 5}]},
                  True),
    "/v1/explain": ("Explain", "explanation", "Why items are not among the candidates",
                    {"request": {"userKey": "nginx", "k": 5}, "itemKeys": ["openssl"]}, False),
}

_TAGS = {
    "retrieval": "Which items might this user want? The same as over gRPC.",
    "explanation": "Why is an item not among the candidates?",
    "observation": "Is the server alive and ready, and what does it serve? On `admin` "
                   "as on `http`; with `admin_only`, on `admin` alone.",
    "console": "The page for people. What it asks for changes with the page, and is no "
               "interface. `console: false` turns it off.",
}


def _text(lines):
    """A comment as paragraphs of one line each, lists aside."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines))
    return "\n\n".join(" ".join(p.split()) for p in paragraphs if p.strip())


class _Schemas:
    """The schemas of messages and enums, as far as they are reached."""

    def __init__(self, reference):
        self.reference = reference
        self.enums = reference.enums
        self.made = {}

    def ref(self, name):
        if name not in self.made:
            # First, because messages may contain themselves.
            self.made[name] = None
            self.made[name] = (self._enum(name) if name in self.enums
                               else self._message(name))
        return {"$ref": f"#/components/schemas/{name}"}

    def value(self, kind, inside):
        """The schema of a value of a type that `inside`, a message, names."""
        if kind == "string":
            return {"type": "string"}
        if kind == "bool":
            return {"type": "boolean"}
        if kind in ("float", "double"):
            return {"type": "number", "format": kind}
        if kind in _INTEGERS:
            least, most = _INTEGERS[kind]
            return {"type": "integer", "minimum": least, "maximum": most}
        if kind in _LONGS:
            return {"type": "string", "format": kind.replace("fixed", "uint"),
                    "pattern": _LONGS[kind]}
        if kind in _WELL_KNOWN:
            return dict(_WELL_KNOWN[kind])
        return self.ref(self.reference.resolve(kind, inside))

    def _enum(self, name):
        enum = self.enums[name]
        values = "\n".join(f"- `{v.name}`: {_text(v.comment)}" for v in enum.values)
        return {"type": "string", "description": f"{_text(enum.comment)}\n\n{values}",
                "enum": [v.name for v in enum.values]}

    def _message(self, name):
        message = self.reference.messages[name]
        properties = {f.json_name: self._field(f, name) for f in message.fields}
        schema = {"type": "object", "description": _text(message.comment),
                  "properties": properties}
        at_most_one = []
        for oneof in message.oneofs:
            members = [f.json_name for f in message.fields if f.oneof == oneof]
            at_most_one += [{"required": [a, b]} for i, a in enumerate(members)
                            for b in members[i + 1:]]
        if at_most_one:
            schema["not"] = at_most_one[0] if len(at_most_one) == 1 else {"anyOf": at_most_one}
        return schema

    def _field(self, field, inside):
        value = self.value(field.type, inside)
        if field.label == "repeated":
            value = {"type": "array", "items": value}
        elif field.label == "map":
            value = {"type": "object", "additionalProperties": value}
        comment = _text(field.comment)
        if field.oneof:
            comment = f"One of `{field.oneof}`. {comment}"
        return {**value, "description": comment}


def _error_schemas():
    def detail(kind, what, properties):
        return {"type": "object", "description": what, "required": ["@type"],
                "properties": {
                    "@type": {"type": "string",
                              "const": f"type.googleapis.com/google.rpc.{kind}"},
                    **properties}}
    return {
        "google.rpc.Status": {
            "type": "object", "required": ["code", "message"],
            "description": "An error.",
            "properties": {
                "code": {"type": "integer", "minimum": 1, "maximum": 16,
                         "description": "The code of gRPC, e.g. 3 for INVALID_ARGUMENT."},
                "message": {"type": "string",
                            "description": "What is wrong. It begins with the path of the "
                                           "field, if one is wrong."},
                "details": {"type": "array", "items": {"oneOf": [
                    {"$ref": f"#/components/schemas/google.rpc.{kind}"}
                    for kind in ("ErrorInfo", "BadRequest", "RetryInfo")]}},
            }},
        "google.rpc.ErrorInfo": detail("ErrorInfo", "What kind of error it is.", {
            "reason": {"type": "string", "description": "The name of the code."},
            "domain": {"type": "string", "const": "tributary"}}),
        "google.rpc.BadRequest": detail(
            "BadRequest", "Which fields of the request are wrong.", {
                "fieldViolations": {"type": "array", "items": {
                    "type": "object", "properties": {
                        "field": {"type": "string", "description":
                                  "The path of the field, e.g. quotas[\"content\"].max."},
                        "description": {"type": "string",
                                        "description": "What is wrong with it."}}}}}),
        "google.rpc.RetryInfo": detail("RetryInfo", "When to try again.", {
            "retryDelay": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?s$",
                           "description": "How long to wait, at least."}}),
    }


def _json(schema):
    return {"application/json": {"schema": schema}}


def _error(description, status):
    response = {"description": description,
                "content": _json({"$ref": "#/components/schemas/google.rpc.Status"})}
    if status in (429, 503):
        response["headers"] = {"Retry-After": {
            "description": "Seconds to wait before the next try.",
            "schema": {"type": "integer", "const": 1}}}
    return response


_ANY_ERROR = _error("Any other error.", 0)


def _call(schemas, rpc, errors, tag, summary, example, has_criticality):
    described = {}
    for codes, when in errors:
        for code in codes.split(", "):
            described.setdefault(_STATUS[code], []).append(f"`{code}`: {when}")
    responses = {status: _error("\n\n".join(texts), status)
                 for status, texts in described.items()}
    for status, text in _TRANSPORT.items():
        responses[status] = _error(text, status)
    operation = {
        "operationId": rpc.name[0].lower() + rpc.name[1:], "tags": [tag], "summary": summary,
        "description": "",
        "requestBody": {"required": True, "content": {"application/json": {
            "schema": schemas.ref(rpc.request), "example": example}}},
        "responses": {
            "200": {"description": "The answer.", "content": _json(schemas.ref(rpc.response))},
            **{str(status): responses[status] for status in sorted(responses)},
            "default": _ANY_ERROR}}
    if has_criticality:
        operation["parameters"] = [{"$ref": "#/components/parameters/criticality"}]
    return operation


def _get(operation_id, tag, summary, content, others=()):
    return {"operationId": operation_id, "tags": [tag], "summary": summary,
            "responses": {"200": {"description": summary + ".", "content": content},
                          **dict(others), "405": _error(_TRANSPORT[405], 405),
                          "default": _ANY_ERROR}}


def _plain(schema=None):
    return {"text/plain": {"schema": schema or {"type": "string"}}}


def _observation(schemas):
    not_ready = {"503": _error("No version is active, or the server is shutting down.", 503)}
    not_modified = {"304": {"description": "If-None-Match has the ETag of the description."}}
    return {
        "/": {"get": _get("listEndpoints", "observation",
                          "The endpoints of this address, one on a line", _plain())},
        "/metrics": {"get": _get("metrics", "observation", "Prometheus' text format", _plain())},
        "/healthz": {"get": _get("alive", "observation", "The process is alive",
                                 _plain({"type": "string", "const": "ok\n"}))},
        "/readyz": {"get": _get("ready", "observation", "A version is active",
                                _plain({"type": "string", "const": "ok\n"}), not_ready)},
        "/v1/health": {"get": _get(
            "health", "observation", "A version is active, as gRPC's health service says it",
            _json({"type": "object", "required": ["status"],
                   "properties": {"status": {"type": "string", "const": "SERVING"}}}),
            not_ready)},
        "/v1/status": {"get": _get("status", "observation",
                                   "Resident versions, labels, refusals, and the loader's report",
                                   _json(schemas.ref("ServerStatus")))},
        "/openapi.json": {"get": _get("openApi", "observation", "This description",
                                      _json({"type": "object"}), not_modified)},
    }


def _console():
    anything = _json({"type": "object"})
    titles = _get("consoleTitles", "console", "Titles of items", anything)
    titles["requestBody"] = {"required": True, "content": anything}
    file = _get("consoleFile", "console", "A file of the page",
                {"*/*": {"schema": {"type": "string"}}})
    file["parameters"] = [{"name": "file", "in": "path", "required": True,
                           "description": "The file's name.", "schema": {"type": "string"}}]
    return {
        "/console": {"get": _get("console", "console", "The page",
                                 {"text/html": {"schema": {"type": "string"}}})},
        "/console/{file}": {"get": file},
        "/console/api/status": {"get": _get("consoleStatus", "console",
                                            "What the page says of the server", anything)},
        "/console/api/history": {"get": _get("consoleHistory", "console",
                                             "The metrics of the last hour", anything)},
        "/console/api/titles": {"post": titles},
    }


def write(reference, rpcs, version):
    """The text of docs/openapi.json.

    `reference` has the messages, the enums and `resolve`; `rpcs` are, by name,
    an RPC, its comment and its errors; `version` is that of the project.
    """
    schemas = _Schemas(reference)
    paths = {}
    for path, (name, *rest) in _CALLS.items():
        rpc, comment, errors = rpcs[name]
        paths[path] = {"post": _call(schemas, rpc, errors, *rest)}
        paths[path]["post"]["description"] = comment
    paths.update(_observation(schemas))
    paths.update(_console())
    return json.dumps({
        "openapi": "3.1.0",
        "info": {
            "title": "Tributary",
            "summary": "The retrieval stage of a recommender: candidates for a user.",
            "description":
                "What `tributary-server` answers over HTTP. Messages are those of gRPC as proto3 "
                "JSON: names are in lowerCamelCase, 64-bit integers are strings, enums are their "
                "names, and fields that are 0, false or empty are left out of replies. Requests "
                "may also use the names of the protos, and numbers for 64-bit integers.",
            "version": version,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/", "description": "`http` of the configuration."}],
        # Where access has grants, callers show a token or a certificate; without
        # grants, nothing.
        "security": [{}, {"bearer": []}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {
                "type": "http", "scheme": "bearer",
                "description": "A token, where `access.grants` of the configuration ask for "
                               "one. A client certificate shows who calls, too."}},
            "parameters": {"criticality": {
                "name": "x-tributary-criticality", "in": "header", "required": False,
                "description": "Calls that are `batch` wait behind those that are `interactive`, "
                               "and are refused before them. Without it, single calls are "
                               "`interactive` and batches are `batch`.",
                "schema": {"type": "string", "enum": ["interactive", "batch"]}}},
            "schemas": {**dict(sorted(schemas.made.items())), **_error_schemas()}},
    }, indent=1, ensure_ascii=False) + "\n"
