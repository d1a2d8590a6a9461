// What users of the package get.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = (program, ...flags) => execFileSync(program, flags, { cwd: root, encoding: "utf8", stdio: "pipe" });

test("npm pack has the library, its types and the page, and nothing else", () => {
  const [{ files }] = JSON.parse(run("npm", "pack", "--dry-run", "--json"));
  assert.deepEqual(files.map(({ path }) => path).sort(), [
    "README.md",
    "lib/candidates.js",
    "lib/client.js",
    "lib/error.js",
    ...["google/rpc/error_details", "google/rpc/status", "tributary/v1/bundles", "tributary/v1/explain",
      "tributary/v1/change_service", "tributary/v1/changes",
      "tributary/v1/retrieval"].flatMap((name) => [`lib/gen/${name}_pb.d.ts`, `lib/gen/${name}_pb.js`]),
    "lib/index.d.ts",
    "lib/index.js",
    "lib/options.js",
    "lib/service_config.json",
    "package.json",
  ].sort());
});

test("what is packed can be installed, without a build", () => {
  const folder = mkdtempSync(join(tmpdir(), "tributary-pack-"));
  try {
    const [{ filename }] = JSON.parse(run("npm", "pack", "--json", "--pack-destination", folder));
    // Its dependencies are those that this package has.
    execFileSync("tar", ["-xzf", join(folder, filename), "-C", folder]);
    execFileSync("ln", ["-s", join(root, "node_modules"), join(folder, "package", "node_modules")]);
    writeFileSync(join(folder, "use.mjs"),
      'import { Client, View } from "./package/lib/index.js"; new Client("localhost:1").close(); console.log(View.FULL);');
    assert.equal(execFileSync(process.execPath, [join(folder, "use.mjs")], { encoding: "utf8" }), "1\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("versions are pinned, and the lock file has them", () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, "package.json")));
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json")));
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
    assert.equal(packages[`node_modules/${name}`].version, version, name);
  }
});

test("a program in TypeScript has types", { skip: !existsSync(join(root, "node_modules/.bin/tsc")) && "npm ci installs tsc" }, () => {
  try {
    run("node_modules/.bin/tsc", "--project", "test/tsconfig.json");
  } catch (error) {
    assert.fail(error.stdout);
  }
});
