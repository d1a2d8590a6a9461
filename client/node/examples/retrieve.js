// Prints a user's candidates: node examples/retrieve.js USER [ADDRESS]
import { candidates, Client } from "tributary";

const [user, address = "localhost:7700"] = process.argv.slice(2);
if (user === undefined) {
  console.error("usage: retrieve.js USER [HOST:PORT | unix:PATH]");
  process.exit(2);
}
const client = new Client(address);
try {
  const response = await client.retrieve({ user: { case: "userKey", value: user }, k: 20 });
  for (const { key, score, proposals } of candidates(response)) {
    console.log(key.padEnd(40), score.toFixed(4).padStart(8), ...proposals.map(({ source }) => source));
  }
} finally {
  client.close();
}
