"""docs/openapi.json beside a real server: every reply fits its schema, and both
have the same paths.

    openapi_test.py DIRECTORY_OF_PROGRAMS
"""

import copy
import http.client
import json
import pathlib
import shutil
import sys
import unittest

try:
    import jsonschema
except ImportError:
    print("skipped: there is no python3-jsonschema; scripts/install_deps.sh test installs it")
    sys.exit(77)

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/deploy"))
from small_deployment import Server, SmallDeployment  # noqa: E402

FILE = ROOT / "docs/openapi.json"
OPENAPI = json.loads(FILE.read_text(encoding="utf-8"))
BINARIES = None
MAX_REQUEST_BYTES = 100_000
FIRST_ITEM = 2**63 + 1


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


def send(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(server.http, timeout=120)
    try:
        connection.request(method, path, body, headers or {})
        return Reply(connection.getresponse())
    finally:
        connection.close()


def strict(schema):
    """The schema, with nothing allowed that it does not name."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: strict(value) for key, value in schema.items()}
    # The argument of `not` has no properties of its own.
    if "properties" in schema and isinstance(schema["properties"], dict):
        result.setdefault("additionalProperties", False)
    return result


STRICT = strict({"components": copy.deepcopy(OPENAPI["components"])})


def check(schema, value):
    """Raises unless the value fits the schema, which may refer to components."""
    jsonschema.Draft202012Validator(
        {**strict(copy.deepcopy(schema)), **STRICT},
        format_checker=jsonschema.FormatChecker()).validate(value)


def responses_of(method, path):
    return OPENAPI["paths"][path][method.lower()]["responses"]


def check_reply(method, path, reply, expected_status):
    """That the reply is one which the description has for the path."""
    assert reply.status == expected_status, (method, path, reply.status, reply.body)
    response = responses_of(method, path)[str(expected_status)]
    if "content" not in response:
        assert reply.body == b"", reply.body
        return None
    kind = reply.headers.get_content_type()
    content = response["content"]
    assert kind in content or "*/*" in content, (path, kind, list(content))
    for name in response.get("headers", {}):
        assert name in reply.headers, (path, expected_status, name)
    if kind != "application/json":
        text = reply.body.decode()
        check(content.get(kind, content.get("*/*"))["schema"], text)
        return text
    check(content[kind]["schema"], reply.json())
    return reply.json()


class OpenApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deployment = SmallDeployment(BINARIES)
        cls.addClassCleanup(cls.deployment.close)
        data = cls.deployment.folder / "data"
        data.mkdir()
        with open(data / "interactions.csv", "w", encoding="utf-8") as file:
            file.write("user,item,timestamp\n")
            for user in range(60):
                for i in range(20):
                    item = FIRST_ITEM + (user % 5 + 5 * (i * (user + 3) % 60)) % 300
                    file.write(f"u{user},{item},{1700000000 + user * 1000 + i}\n")
        with open(data / "items.csv", "w", encoding="utf-8") as file:
            file.write("item,title,price\n")
            for item in range(300):
                file.write(f"{FIRST_ITEM + item},thing of kind {item % 5},{item / 4}\n")
        cls.deployment.run(
            "build", "--data", f"csv:{data}", "--out", cls.deployment.built,
            "--validation_share", 0, "--als.dim", 8, "--behavior.history.dim", 8,
            "--behavior.history.epochs", 2, "--content.dim", 16, "--threads", 1)
        cls.server = cls.start("serving", "--limits.max_request_bytes", MAX_REQUEST_BYTES)
        shutil.copytree(cls.deployment.built / "1", cls.server.bundles / "1")
        for step in ("stage", "activate"):
            cls.deployment.run("control", step, 1, "--control", cls.server.control)
        cls.empty = cls.start("empty")

    @classmethod
    def start(cls, name, *flags):
        return cls.deployment.start(Server, name, BINARIES, *flags)

    def post(self, path, request, status=200, headers=None):
        reply = send(self.server, "POST", path, json.dumps(request), headers)
        if status == 200:
            check(OPENAPI["paths"][path]["post"]["requestBody"]["content"]
                  ["application/json"]["schema"], request)
        return check_reply("POST", path, reply, status)

    def test_retrieve(self):
        plain = self.post("/v1/retrieve", {"userKey": "u7", "k": 5})
        self.assertEqual(plain["bundleVersion"], "1")
        self.assertTrue(all(int(key) >= FIRST_ITEM for key in plain["itemIds"]))
        full = self.post("/v1/retrieve", {
            "userKey": "u7", "k": 5, "view": "FULL", "pageSize": 2, "includeSeen": True,
            "filter": {"where": "price < 40", "excludeItemIds": [plain["itemIds"][0]]},
            "quotas": {"als": {"target": 2, "max": 4}, "popularity": {"target": 3}},
            "fusion": {"policy": "RRF"}, "boosts": [{"where": "price > 10", "factor": 2}],
            "like": [{"itemId": plain["itemIds"][1], "weight": 2}]},
            headers={"x-tributary-criticality": "batch"})
        self.assertEqual(len(full["factors"]), 2)
        self.assertIn("ranks", full["sourceReports"][0])
        self.assertTrue(full["nextPageToken"])

    def test_batch(self):
        reply = self.post("/v1/batch", {"requests": [
            {"userKey": "u1", "k": 3}, {"userKey": "u2", "k": 1_000_000}, {"k": 2}]})
        first, wrong, last = reply["entries"]
        self.assertEqual(len(first["response"]["itemIds"]), 3)
        self.assertEqual((wrong["code"], wrong.get("response")), (3, None))
        self.assertEqual(len(last["response"]["itemIds"]), 2)
        self.assertEqual(reply["bundleVersion"], "1")
        self.post("/v1/batch", {"requests": [{}] * 64})
        many = self.post("/v1/batch", {"requests": [{}] * 65}, 400)
        self.assertIn("limits.max_batch is 64", many["message"])
        self.post("/v1/batch", {"requests": [{"bundleVersion": "9"}]}, 404)
        unknown = self.post("/v1/batch", {"requests": [{"nothing": 1}]}, 400)
        self.assertEqual(unknown["details"][1]["fieldViolations"][0]["field"],
                         "requests[0].nothing")
        for body in ("", "[]", "{"):
            reply = send(self.server, "POST", "/v1/batch", body)
            self.assertIn("not a BatchRetrieveRequest",
                          check_reply("POST", "/v1/batch", reply, 400)["message"])

    def test_explain(self):
        reply = self.post("/v1/explain", {
            "request": {"userKey": "u7", "k": 5}, "itemIds": [str(FIRST_ITEM), "5"]})
        self.assertEqual(reply["items"][1]["verdict"], "NOT_IN_THE_CATALOGUE")

    def test_observation(self):
        for path in ("/", "/metrics", "/healthz", "/readyz", "/v1/health", "/v1/status"):
            reply = send(self.server, "GET", path)
            value = check_reply("GET", path, reply, 200)
            self.assertTrue(value, path)
            head = send(self.server, "HEAD", path)
            self.assertEqual((head.status, head.body), (200, b""), path)
        status = send(self.server, "GET", "/v1/status").json()
        self.assertEqual(status["activeVersion"], "1")
        self.assertEqual(status["bundles"][0]["version"], "1")
        check_reply("GET", "/v1/status", send(self.empty, "GET", "/v1/status"), 200)
        for path in ("/readyz", "/v1/health"):
            check_reply("GET", path, send(self.empty, "GET", path), 503)

    def test_errors(self):
        for path in ("/v1/retrieve", "/v1/batch", "/v1/explain"):
            with self.subTest(path):
                wrong = self.post(path, {"k": -1, "requests": 5, "request": 5}, 400)
                self.assertEqual(wrong["code"], 3)
                check_reply("POST", path, send(self.server, "POST", path, iter([])), 400)
                request = OPENAPI["paths"][path]["post"]["requestBody"]["content"][
                    "application/json"]["example"]
                reply = send(self.empty, "POST", path, json.dumps(request))
                check_reply("POST", path, reply, 503)
                check_reply("POST", path, send(self.server, "PUT", path, "{}"), 405)
                check_reply("POST", path, send(
                    self.server, "POST", path, b" " * (MAX_REQUEST_BYTES + 1)), 413)
                check_reply("POST", path, send(
                    self.server, "POST", path, "{}", {"Content-Encoding": "gzip"}), 415)
                bare = http.client.HTTPConnection(self.server.http)
                bare.putrequest("POST", path)
                bare.endheaders()
                check_reply("POST", path, Reply(bare.getresponse()), 411)
                bare.close()
        field = self.post("/v1/retrieve", {"quotas": {"none": {"target": 1}}}, 400)
        self.assertEqual(field["details"][1]["fieldViolations"][0]["field"], 'quotas["none"]')

    def test_the_schemas_are_strict(self):
        schema = {"$ref": "#/components/schemas/RetrieveResponse"}
        check(schema, {"bundleVersion": "1", "scores": [1.5]})
        for wrong in ({"bundleVersion": 1}, {"itemIds": [1]}, {"serviceLevel": 0},
                      {"scores": ["1"]}, {"other": 1}, {"sourceReports": [{"other": 1}]}):
            with self.assertRaises(jsonschema.ValidationError, msg=wrong):
                check(schema, wrong)
        with self.assertRaises(jsonschema.ValidationError):
            check({"$ref": "#/components/schemas/RetrieveRequest"},
                  {"userId": "1", "userKey": "1"})

    def test_examples_are_requests(self):
        for path, operations in OPENAPI["paths"].items():
            content = operations.get("post", {}).get("requestBody", {}).get("content", {})
            for body in content.values():
                if "example" in body:
                    check(body["schema"], body["example"])

    def test_the_server_has_the_description(self):
        reply = send(self.server, "GET", "/openapi.json")
        check_reply("GET", "/openapi.json", reply, 200)
        self.assertEqual(reply.body, FILE.read_bytes())
        self.assertEqual(reply.headers["Cache-Control"], "no-cache")
        known = send(self.server, "GET", "/openapi.json",
                     headers={"If-None-Match": reply.headers["ETag"]})
        check_reply("GET", "/openapi.json", known, 304)
        self.assertEqual(known.headers["ETag"], reply.headers["ETag"])
        other = send(self.server, "GET", "/openapi.json", headers={"If-None-Match": '"x"'})
        self.assertEqual(other.status, 200)

    def test_both_have_the_same_paths(self):
        listed = set()
        for line in send(self.server, "GET", "/").body.decode().splitlines():
            method, path = line.split()[:2]
            listed.add((method.lower(), path))
        described = {(method, path) for path, operations in OPENAPI["paths"].items()
                     for method in operations}
        # "/" is the list itself, and the console has paths for its page.
        beside = {("get", "/")} | {
            (method, path) for method, path in described if path.startswith("/console/")}
        self.assertEqual(listed, described - beside)
        for method, path in described:
            actual = path.replace("{file}", "console.js")
            reply = send(self.server, method.upper(), actual, "{}" if method == "post" else None)
            self.assertIn(str(reply.status), responses_of(method, path), path)
            self.assertLess(reply.status, 404, (path, reply.body))
            wrong = send(self.server, "DELETE", actual)
            self.assertEqual((wrong.status, wrong.headers["Allow"]), (405, method.upper()), path)
        self.assertEqual(send(self.server, "GET", "/v1/other").status, 404)
        # What the source names is described.
        source = (ROOT / "server/http/http_server.cc").read_text(encoding="utf-8")
        for method, path in described - beside:
            self.assertIn(f'"{path}"', source)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    BINARIES = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
