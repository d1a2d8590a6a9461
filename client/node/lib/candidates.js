import { status } from "@grpc/grpc-js";
import { TributaryError } from "./error.js";

function checkColumn(name, column, length, optional) {
  if (column === length || (optional && column === 0)) return;
  throw new TributaryError(status.DATA_LOSS, `${name}: ${column} entries, expected ${length}`);
}

export function candidates(response) {
  const { itemIds, itemKeys, scores, sources, sourceReports, factors } = response;
  const n = scores.length;
  checkColumn("itemIds and itemKeys", itemIds.length + itemKeys.length, n);
  checkColumn("sources", sources.length, n);
  checkColumn("factors", factors.length, n, true);
  for (const report of sourceReports) {
    checkColumn("ranks", report.ranks.length, n, true);
    checkColumn("rawScores", report.rawScores.length, n, true);
  }
  return scores.map((score, i) => {
    // Bits beyond the sources would be of none.
    if (sourceReports.length < 32 && sources[i] >>> sourceReports.length !== 0) {
      throw new TributaryError(status.DATA_LOSS,
        `sources[${i}]: ${sources[i]}, but there are ${sourceReports.length} sources`);
    }
    const proposals = [];
    sourceReports.forEach((report, s) => {
      if (s < 32 && (sources[i] >>> s) & 1) {
        proposals.push({ source: report.name, rank: report.ranks[i] ?? 0, rawScore: report.rawScores[i] ?? 0 });
      }
    });
    return {
      key: itemKeys.length > 0 ? itemKeys[i] : String(itemIds[i]),
      id: itemKeys.length > 0 ? undefined : itemIds[i],
      score,
      factor: factors[i] ?? 1,
      proposals,
    };
  });
}
