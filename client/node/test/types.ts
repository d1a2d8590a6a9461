// Compiled by package.test.js, and never run: what is exported has these types.
import { candidates, Client, Code, TributaryError, View, type Candidate, type RetrieveResponse } from "tributary";

const client = new Client("localhost:7700", { timeoutMs: 200, tls: { caFile: "ca.pem" }, token: async () => "x" });

export async function use(signal: AbortSignal): Promise<bigint | undefined> {
  const response: RetrieveResponse = await client.retrieve(
    { user: { case: "userId", value: 2n ** 63n }, k: 20, view: View.FULL, quotas: { taste: { target: 5, max: 9 } } },
    { signal, criticality: "batch" });
  const rows: Candidate[] = candidates(response);
  for await (const { index, version, ...result } of client.stream([{ k: 5 }])) {
    const ids: bigint[] = result.response ? result.response.itemIds : [version];
    if (result.error) console.log(index, result.error.fieldViolations[0].field, ids);
  }
  for await (const page of client.pages({ k: 5, pageSize: 2 })) console.log(page.nextPageToken);
  try {
    await client.explain({ request: {}, itemKeys: ["x"] });
  } catch (error) {
    if (error instanceof TributaryError && error.code === Code.NOT_FOUND) return undefined;
  }
  // @ts-expect-error: a 64-bit id is a bigint, and no number.
  await client.retrieve({ user: { case: "userId", value: 1 } });
  // @ts-expect-error: there is no such option.
  await client.retrieve({}, { timeout: 5 });
  return rows[0].id;
}
