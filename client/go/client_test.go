package tributary_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	tributary "tributary.dev/client/go"
	pb "tributary.dev/client/go/tributarypb"
)

func of(user string, k uint32) *pb.RetrieveRequest {
	return &pb.RetrieveRequest{User: &pb.RetrieveRequest_UserKey{UserKey: user}, K: k}
}

// failure is the *Error of err.
func failure(t *testing.T, err error) *tributary.Error {
	t.Helper()
	var failed *tributary.Error
	if !errors.As(err, &failed) {
		t.Fatalf("found %v, expected a *tributary.Error", err)
	}
	return failed
}

func TestRetrieveReturnsExactKeysWithTheirProposals(t *testing.T) {
	client := connect(t, startServer(t).address)
	request := of("u7", 20)
	request.View = pb.View_FULL
	response, err := client.Retrieve(background(), request)
	if err != nil {
		t.Fatal(err)
	}
	candidates, err := tributary.Candidates(response)
	if err != nil {
		t.Fatal(err)
	}
	if len(candidates) != 20 || response.GetBundleVersion() != 1 {
		t.Fatalf("%d candidates of version %d", len(candidates), response.GetBundleVersion())
	}
	for i, candidate := range candidates {
		if candidate.ID < firstItem || candidate.ID >= firstItem+300 {
			t.Errorf("candidate %d: id %d is not of the catalogue", i, candidate.ID)
		}
		if candidate.Key != fmt.Sprint(candidate.ID) || len(candidate.Proposals) == 0 {
			t.Errorf("candidate %d: %+v", i, candidate)
		}
		for _, proposal := range candidate.Proposals {
			if proposal.Source == "" || proposal.Rank == 0 {
				t.Errorf("candidate %d: %+v", i, proposal)
			}
		}
	}
	// What the client has read, the server understands.
	request.Filter = &pb.Filter{ExcludeItemIds: response.GetItemIds()}
	again, err := client.Retrieve(background(), request)
	if err != nil {
		t.Fatal(err)
	}
	if again.GetUnknownItems() != 0 {
		t.Errorf("%d excluded items are unknown", again.GetUnknownItems())
	}
	for _, id := range again.GetItemIds() {
		if id == response.GetItemIds()[0] {
			t.Errorf("%d was excluded", id)
		}
	}
}

func TestCandidatesRefusesColumnsThatDoNotFit(t *testing.T) {
	whole := &pb.RetrieveResponse{
		ItemKeys: []string{"a", "b"}, Scores: []float32{2, 1}, Sources: []uint32{1, 1},
		SourceReports: []*pb.SourceReport{{Name: "taste"}},
	}
	if _, err := tributary.Candidates(whole); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*pb.RetrieveResponse){
		"item_ids and item_keys": func(r *pb.RetrieveResponse) { r.ItemKeys = r.ItemKeys[:1] },
		"sources":                func(r *pb.RetrieveResponse) { r.Sources = nil },
		"factors":                func(r *pb.RetrieveResponse) { r.Factors = []float32{1} },
		"ranks":                  func(r *pb.RetrieveResponse) { r.SourceReports[0].Ranks = []uint32{1} },
		"raw_scores":             func(r *pb.RetrieveResponse) { r.SourceReports[0].RawScores = []float32{1} },
		"sources[1]":             func(r *pb.RetrieveResponse) { r.Sources[1] = 2 },
	} {
		broken := proto.Clone(whole).(*pb.RetrieveResponse)
		spoil(broken)
		_, err := tributary.Candidates(broken)
		if failed := failure(t, err); failed.Code != codes.DataLoss || !strings.HasPrefix(failed.Message, name+": ") {
			t.Errorf("%s: found %v", name, err)
		}
	}
}

func TestErrorsNameTheField(t *testing.T) {
	client := connect(t, startServer(t).address)
	request := of("u1", 10)
	request.Quotas = map[string]*pb.Quota{"no such": {Target: 1}}
	_, err := client.Retrieve(background(), request)
	failed := failure(t, err)
	if failed.Code != codes.InvalidArgument || failed.Reason != "INVALID_ARGUMENT" {
		t.Errorf("found %v, reason %q", failed, failed.Reason)
	}
	if len(failed.FieldViolations) != 1 || failed.FieldViolations[0].Field != `quotas["no such"]` ||
		failed.FieldViolations[0].Description == "" {
		t.Errorf("found %+v", failed.FieldViolations)
	}
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("gRPC's own functions find %v", status.Code(err))
	}
	request = of("u1", 10)
	request.BundleVersion = 99
	if _, err = client.Retrieve(background(), request); failure(t, err).Code != codes.NotFound {
		t.Errorf("found %v", err)
	}
}

func TestBatchHasAResultForEachRequest(t *testing.T) {
	client := connect(t, startServer(t).address)
	results, err := client.Batch(background(), []*pb.RetrieveRequest{of("u1", 3), of("u2", 1<<30), of("u3", 4)})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 3 || len(results[0].Response.GetItemIds()) != 3 || len(results[2].Response.GetItemIds()) != 4 {
		t.Fatalf("found %+v", results)
	}
	if failed := failure(t, results[1].Err); failed.Code != codes.InvalidArgument || results[1].Response != nil {
		t.Errorf("found %v", failed)
	}
	_, err = client.Batch(background(), make([]*pb.RetrieveRequest, 65))
	if failed := failure(t, err); failed.Code != codes.InvalidArgument || len(failed.FieldViolations) != 1 {
		t.Errorf("found %v", err)
	}
}

func TestStreamAnswersAnyNumberOfRequestsInOrder(t *testing.T) {
	client := connect(t, startServer(t).address)
	const n = 2*tributary.RequestsPerCall + 17
	requests := make([]*pb.RetrieveRequest, n)
	for i := range requests {
		requests[i] = of(fmt.Sprintf("u%d", i%60), uint32(1+i%7))
	}
	requests[1500] = of("u1", 1<<30)
	stream := client.Stream(background(), requests)
	defer stream.Close()
	count := 0
	for ; stream.Next(); count++ {
		if stream.Index() != count {
			t.Fatalf("index %d, expected %d", stream.Index(), count)
		}
		result := stream.Result()
		if count == 1500 {
			if failure(t, result.Err).Code != codes.InvalidArgument {
				t.Errorf("found %v", result.Err)
			}
		} else if len(result.Response.GetItemIds()) != 1+count%7 {
			t.Fatalf("result %d: %v", count, result)
		}
	}
	if stream.Err() != nil || count != n || stream.Version() != 1 {
		t.Errorf("%d results of version %d, %v", count, stream.Version(), stream.Err())
	}
	if none := client.Stream(background(), nil); none.Next() || none.Err() != nil {
		t.Errorf("without requests: %v", none.Err())
	}
}

func TestStreamEndsWithAnError(t *testing.T) {
	client := connect(t, startServer(t).address)
	wrong := of("u1", 3)
	wrong.BundleVersion = 9
	stream := client.Stream(background(), []*pb.RetrieveRequest{wrong})
	if stream.Next() || failure(t, stream.Err()).Code != codes.NotFound {
		t.Errorf("found %v", stream.Err())
	}
	ctx, cancel := context.WithCancel(background())
	many := make([]*pb.RetrieveRequest, tributary.RequestsPerCall)
	for i := range many {
		many[i] = of("u1", 200)
	}
	stream = client.Stream(ctx, many)
	if !stream.Next() {
		t.Fatal(stream.Err())
	}
	cancel()
	for stream.Next() {
	}
	if !errors.Is(stream.Err(), context.Canceled) {
		t.Errorf("found %v", stream.Err())
	}
}

func TestPagesAreTheList(t *testing.T) {
	client := connect(t, startServer(t).address)
	whole, err := client.Retrieve(background(), of("u7", 25))
	if err != nil {
		t.Fatal(err)
	}
	request := of("u7", 25)
	request.PageSize = 10
	pages := client.Pages(background(), request)
	var ids []uint64
	var lengths []int
	for pages.Next() {
		ids = append(ids, pages.Page().GetItemIds()...)
		lengths = append(lengths, len(pages.Page().GetItemIds()))
	}
	if pages.Err() != nil || fmt.Sprint(lengths) != "[10 10 5]" {
		t.Fatalf("pages of %v, %v", lengths, pages.Err())
	}
	if fmt.Sprint(ids) != fmt.Sprint(whole.GetItemIds()) || request.GetPageToken() != "" {
		t.Errorf("%v are not the list %v", ids, whole.GetItemIds())
	}
	if pages = client.Pages(background(), of("u7", 25)); pages.Next() || failure(t, pages.Err()).Code != codes.InvalidArgument {
		t.Errorf("without page_size: %v", pages.Err())
	}
}

func TestExplainSaysWhatBecameOfAnItem(t *testing.T) {
	client := connect(t, startServer(t).address, tributary.WithTimeout(time.Nanosecond))
	response, err := client.Explain(background(), &pb.ExplainRequest{Request: of("u7", 5), ItemIds: []uint64{firstItem + 299, 5}})
	if err != nil {
		t.Fatal(err)
	}
	items := response.GetItems()
	if len(items) != 2 || items[0].GetSentence() == "" || items[1].GetVerdict() != pb.Verdict_NOT_IN_THE_CATALOGUE {
		t.Errorf("found %v", response)
	}
}

func TestTimeoutAndCancellation(t *testing.T) {
	client := connect(t, startServer(t).address)
	_, err := client.Retrieve(background(), of("u1", 5), tributary.WithTimeout(time.Nanosecond))
	if !errors.Is(err, context.DeadlineExceeded) || failure(t, err).Code != codes.DeadlineExceeded {
		t.Errorf("found %v", err)
	}
	ctx, cancel := context.WithCancel(background())
	cancel()
	if _, err = client.Retrieve(ctx, of("u1", 5)); !errors.Is(err, context.Canceled) {
		t.Errorf("found %v", err)
	}
}

func TestWaitsForAServerThatComesLater(t *testing.T) {
	address := freePort(t)
	client := connect(t, address)
	done := make(chan error, 1)
	go func() {
		_, err := client.Retrieve(background(), of("u1", 5))
		done <- err
	}()
	time.Sleep(200 * time.Millisecond)
	startServerOn(t, bundles, address)
	if err := <-done; err != nil {
		t.Error(err)
	}
	impatient := connect(t, freePort(t), tributary.WithWaitForReady(false), tributary.WithAttempts(1))
	if _, err := impatient.Retrieve(background(), of("u1", 5)); failure(t, err).Code != codes.Unavailable {
		t.Errorf("found %v", err)
	}
}

func TestRetriesUntilTheServerIsReady(t *testing.T) {
	// It has no bundle, and says UNAVAILABLE.
	empty := startServerOn(t, t.TempDir(), "127.0.0.1:0")
	counted := startProxy(t, empty.address)
	client := connect(t, counted.address, tributary.WithAttempts(3))
	_, err := client.Retrieve(background(), of("u1", 5))
	failed := failure(t, err)
	if failed.Code != codes.Unavailable || failed.RetryDelay != time.Second || failed.Reason != "UNAVAILABLE" {
		t.Errorf("found %v, retry after %v", failed, failed.RetryDelay)
	}
	if calls := counted.count(); calls != 3 {
		t.Errorf("%d attempts, expected 3", calls)
	}
	once := connect(t, counted.address, tributary.WithAttempts(1))
	if _, err = once.Retrieve(background(), of("u1", 5)); err == nil || counted.count() != 4 {
		t.Errorf("%v after %d attempts, expected 4", err, counted.count())
	}
	// A wrong request stays wrong.
	right := startProxy(t, startServer(t).address)
	if _, err = connect(t, right.address).Retrieve(background(), of("u1", 1<<30)); err == nil || right.count() != 1 {
		t.Errorf("%v after %d attempts, expected 1", err, right.count())
	}
}

func TestRetriesStopWhenTooManyCallsFail(t *testing.T) {
	empty := startServerOn(t, t.TempDir(), "127.0.0.1:0")
	counted := startProxy(t, empty.address)
	client := connect(t, counted.address, tributary.WithAttempts(2), tributary.WithInitialBackoff(time.Millisecond))
	const calls = 600
	for i := 0; i < calls; i++ {
		if _, err := client.Retrieve(background(), of("u1", 5)); err == nil {
			t.Fatal("a server without a bundle has answered")
		}
	}
	// The policy has a thousand tokens: each failure takes one, and with 500 left
	// there are no more retries.
	if found := counted.count(); found < calls+200 || found > calls+300 {
		t.Errorf("%d attempts of %d calls, expected some 250 retries", found, calls)
	}
}

func TestSaysHowUrgentACallIs(t *testing.T) {
	proxy := startProxy(t, startServer(t).address)
	client := connect(t, proxy.address, tributary.WithCriticality(tributary.Background))
	for _, options := range [][]tributary.CallOption{nil, {tributary.WithCriticality(tributary.Interactive)}} {
		if _, err := client.Retrieve(background(), of("u1", 5), options...); err != nil {
			t.Fatal(err)
		}
	}
	if found := proxy.header("x-tributary-criticality"); fmt.Sprint(found) != "[batch interactive]" {
		t.Errorf("found %v", found)
	}
	_, err := client.Retrieve(background(), of("u1", 5), tributary.WithCriticality("soon"))
	if failed := failure(t, err); failed.Code != codes.InvalidArgument {
		t.Errorf("found %v", err)
	}
}

func TestEncryptsAndShowsWhoCalls(t *testing.T) {
	authority := makeAuthority(t)
	other := makeAuthority(t)
	address := startEncryptedServer(t, authority, "first", "second").address
	tokens := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(tokens, []byte("first\nrest\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	certificate, key := authority.issue(t, "ranker")
	files := tributary.TLS{CAFile: authority.file, CertificateFile: certificate, PrivateKeyFile: key}
	client := connect(t, address, tributary.WithTLS(files), tributary.WithTokenFile(tokens))
	for _, token := range []string{"first", "second"} {
		if err := os.WriteFile(tokens, []byte(token+"\nrest\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Retrieve(background(), of("u1", 5)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(tokens, []byte("third\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Retrieve(background(), of("u1", 5)); failure(t, err).Code != codes.Unauthenticated {
		t.Errorf("found %v", err)
	}
	for name, refused := range map[string]tributary.Option{
		"no certificate":     tributary.WithTLS(tributary.TLS{CAFile: authority.file}),
		"unknown authority":  tributary.WithTLS(tributary.TLS{CAFile: other.file, CertificateFile: certificate, PrivateKeyFile: key}),
		"another name":       tributary.WithTLS(tributary.TLS{CAFile: authority.file, CertificateFile: certificate, PrivateKeyFile: key, ServerName: "other"}),
		"without encryption": tributary.WithTimeout(time.Minute),
	} {
		impatient := connect(t, address, refused, tributary.WithWaitForReady(false), tributary.WithAttempts(1))
		if _, err := impatient.Retrieve(background(), of("u1", 5)); failure(t, err).Code != codes.Unavailable {
			t.Errorf("%s: found %v", name, err)
		}
	}
	if err := os.Remove(tokens); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Retrieve(background(), of("u1", 5)); failure(t, err).Code != codes.Unauthenticated {
		t.Errorf("found %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.pem")
	for text, wrong := range map[string]struct {
		address string
		option  tributary.Option
	}{
		"expected host:port or unix:PATH":     {"localhost", tributary.WithAttempts(1)},
		"expected a path":                     {"unix:", tributary.WithAttempts(1)},
		"WithAttempts: 6, expected 1 to 5":    {"localhost:1", tributary.WithAttempts(6)},
		"WithInitialBackoff: 2s":              {"localhost:1", tributary.WithInitialBackoff(2 * time.Second)},
		"WithTimeout: 0s":                     {"localhost:1", tributary.WithTimeout(0)},
		`WithCriticality: "x"`:                {"localhost:1", tributary.WithCriticality("x")},
		"TLS.CAFile: open":                    {"localhost:1", tributary.WithTLS(tributary.TLS{CAFile: missing})},
		"TLS: give CertificateFile and":       {"localhost:1", tributary.WithTLS(tributary.TLS{PrivateKeyFile: missing})},
		"a token would go to shop.example:80": {"shop.example:80", tributary.WithToken("x")},
	} {
		_, err := tributary.NewClient(wrong.address, wrong.option)
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("found %v, expected %q", err, text)
		}
	}
}

func TestThePublishedPolicyIsTheServers(t *testing.T) {
	published, err := os.ReadFile("../../config/service_config.json")
	if err != nil {
		t.Skip("this is not a checkout of Tributary: ", err)
	}
	own, err := os.ReadFile("service_config.json")
	if err != nil || string(own) != string(published) {
		t.Errorf("service_config.json is not config/service_config.json: copy it (%v)", err)
	}
}
