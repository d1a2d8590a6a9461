package tributary

import (
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	pb "tributary.dev/client/go/tributarypb"
)

// Proposal is one source's proposal of a candidate.
type Proposal struct {
	// Source is the source's name.
	Source string
	// Rank is the candidate's rank in the source's list, from 1, and RawScore
	// the score that the source gave it. Both are 0 unless the request's view
	// is FULL.
	Rank     uint32
	RawScore float32
}

// Candidate is one row of a reply.
type Candidate struct {
	// Key is the item's key, in decimal if the catalogue has integer keys.
	Key string
	// ID is the key as an integer; 0 if the catalogue has string keys.
	ID uint64
	// Score is the fused score. Higher is better. Scores of different replies
	// cannot be compared.
	Score float32
	// Factor is what boosts and decay multiplied the score by; 1 unless the
	// request's view is FULL.
	Factor float32
	// Proposals are those of the sources that proposed the item, in order of
	// priority.
	Proposals []Proposal
}

// Candidates makes rows of a reply's columns, best first. The error is
// DATA_LOSS, if the columns do not fit together.
func Candidates(response *pb.RetrieveResponse) ([]Candidate, error) {
	n := len(response.GetScores())
	columns := []struct {
		name     string
		length   int
		optional bool
	}{
		{"item_ids and item_keys", len(response.GetItemIds()) + len(response.GetItemKeys()), false},
		{"sources", len(response.GetSources()), false},
		{"factors", len(response.GetFactors()), true},
	}
	for _, report := range response.GetSourceReports() {
		columns = append(columns, []struct {
			name     string
			length   int
			optional bool
		}{{"ranks", len(report.GetRanks()), true}, {"raw_scores", len(report.GetRawScores()), true}}...)
	}
	for _, column := range columns {
		if column.length != n && !(column.optional && column.length == 0) {
			return nil, asError(status.Errorf(codes.DataLoss,
				"%s: %d entries, expected %d", column.name, column.length, n))
		}
	}
	candidates := make([]Candidate, n)
	for i := range candidates {
		candidate := Candidate{Score: response.Scores[i], Factor: 1}
		if len(response.ItemKeys) > 0 {
			candidate.Key = response.ItemKeys[i]
		} else {
			candidate.ID = response.ItemIds[i]
			candidate.Key = strconv.FormatUint(candidate.ID, 10)
		}
		if len(response.Factors) > 0 {
			candidate.Factor = response.Factors[i]
		}
		if uint64(response.Sources[i])>>len(response.SourceReports) != 0 {
			return nil, asError(status.Errorf(codes.DataLoss,
				"sources[%d]: %#x, but there are %d sources", i, response.Sources[i], len(response.SourceReports)))
		}
		for s, report := range response.SourceReports {
			if response.Sources[i]>>s&1 == 0 {
				continue
			}
			proposal := Proposal{Source: report.GetName()}
			if len(report.GetRanks()) > 0 {
				proposal.Rank = report.Ranks[i]
			}
			if len(report.GetRawScores()) > 0 {
				proposal.RawScore = report.RawScores[i]
			}
			candidate.Proposals = append(candidate.Proposals, proposal)
		}
		candidates[i] = candidate
	}
	return candidates, nil
}
