package tributary

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	pb "tributary.dev/client/go/tributarypb"
)

// maxResponseBytes holds the reply to the largest batch of the longest lists.
const maxResponseBytes = 64 << 20

// Client calls one server, or several behind one name. It is safe for
// concurrent use, and one for each process is enough for most uses. The
// connection is opened by the first call, and again after it breaks.
type Client struct {
	settings    settings
	connection  *grpc.ClientConn
	retrieval   pb.RetrievalClient
	explanation pb.ExplanationClient
}

// NewClient returns a client of the server at an address, host:port or
// unix:PATH, without waiting for it. The error says what is wrong with the
// address or an option.
func NewClient(address string, options ...Option) (*Client, error) {
	s := settings{
		call:           callSettings{timeout: DefaultTimeout},
		attempts:       DefaultAttempts,
		initialBackoff: DefaultInitialBackoff,
		waitForReady:   true,
	}
	for _, option := range options {
		option.applyToClient(&s)
	}
	host, err := hostOf(address)
	if err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("tributary: %w", err)
	}
	config, err := s.serviceConfig()
	if err != nil {
		return nil, err
	}
	dial := []grpc.DialOption{
		grpc.WithDefaultServiceConfig(config),
		// Names may not replace the policy by their TXT records.
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxResponseBytes)),
		// gRPC's default first pause, 1 s, is longer than a server takes to
		// restart.
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{
			BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second,
		}}),
	}
	if s.tls != nil {
		dial = append(dial, grpc.WithTransportCredentials(credentials.NewTLS(s.tls)))
	} else {
		dial = append(dial, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	if s.token != nil {
		if s.tls == nil && !isLocal(host) {
			return nil, fmt.Errorf(
				"tributary: a token would go to %s unencrypted; give WithTLS too", address)
		}
		dial = append(dial, grpc.WithPerRPCCredentials(bearer{s.token, s.tls != nil}))
	}
	connection, err := grpc.NewClient(address, dial...)
	if err != nil {
		return nil, fmt.Errorf("tributary: address %q: %w", address, err)
	}
	return &Client{
		settings:    s,
		connection:  connection,
		retrieval:   pb.NewRetrievalClient(connection),
		explanation: pb.NewExplanationClient(connection),
	}, nil
}

// Close ends the connection, and the calls in progress.
func (c *Client) Close() error { return c.connection.Close() }

// Connection is gRPC's connection, for services that this package does not
// wrap, such as health.
func (c *Client) Connection() *grpc.ClientConn { return c.connection }

// Retrieve returns at most k candidates for one user, best first.
func (c *Client) Retrieve(
	ctx context.Context, request *pb.RetrieveRequest, options ...CallOption,
) (*pb.RetrieveResponse, error) {
	ctx, cancel, err := c.begin(ctx, 1, options)
	if err != nil {
		return nil, err
	}
	defer cancel()
	response, err := c.retrieval.Retrieve(ctx, request)
	return response, asError(err)
}

// Result is the answer to one request of several.
type Result struct {
	// Response is nil if there was an error.
	Response *pb.RetrieveResponse
	// Err is an *Error with the code and the message, or nil.
	Err error
}

func resultOf(entry *pb.BatchEntry) Result {
	if entry.GetCode() == 0 {
		return Result{Response: entry.GetResponse()}
	}
	return Result{Err: asError(status.Error(codes.Code(entry.GetCode()), entry.GetMessage()))}
}

// Batch answers up to limits.max_batch requests (64) from one version. It
// returns one result for each, in their order.
func (c *Client) Batch(
	ctx context.Context, requests []*pb.RetrieveRequest, options ...CallOption,
) ([]Result, error) {
	ctx, cancel, err := c.begin(ctx, 1, options)
	if err != nil {
		return nil, err
	}
	defer cancel()
	response, err := c.retrieval.BatchRetrieve(ctx, &pb.BatchRetrieveRequest{Requests: requests})
	if err != nil {
		return nil, asError(err)
	}
	if len(response.GetEntries()) != len(requests) {
		return nil, asError(status.Errorf(codes.DataLoss,
			"the reply has %d entries, expected %d", len(response.GetEntries()), len(requests)))
	}
	results := make([]Result, len(requests))
	for i, entry := range response.GetEntries() {
		results[i] = resultOf(entry)
	}
	return results, nil
}

// Explain says why items are, or are not, among the candidates. The server
// explains for one call at a time, and refuses others with RESOURCE_EXHAUSTED.
// Its timeout is DefaultExplainTimeout unless an option of this call says
// otherwise.
func (c *Client) Explain(
	ctx context.Context, request *pb.ExplainRequest, options ...CallOption,
) (*pb.ExplainResponse, error) {
	options = append([]CallOption{WithTimeout(DefaultExplainTimeout)}, options...)
	ctx, cancel, err := c.begin(ctx, 1, options)
	if err != nil {
		return nil, err
	}
	defer cancel()
	response, err := c.explanation.Explain(
		ctx, request, grpc.WaitForReady(c.settings.waitForReady))
	return response, asError(err)
}

// begin returns the context of a call that takes `shares` timeouts.
func (c *Client) begin(
	ctx context.Context, shares int, options []CallOption,
) (context.Context, context.CancelFunc, error) {
	call := c.settings.call
	for _, option := range options {
		option.applyToCall(&call)
	}
	if err := call.check(); err != nil {
		return nil, nil, invalid("%v", err)
	}
	if call.criticality != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, criticalityHeader, string(call.criticality))
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(shares)*call.timeout)
	return ctx, cancel, nil
}

// bearer sends a token with every attempt.
type bearer struct {
	token func(ctx context.Context) (string, error)
	needs bool
}

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b.token(ctx)
	if err != nil {
		return nil, status.Errorf(codes.Unauthenticated, "no token to send: %v", err)
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.needs }

// hostOf is the host of an address; empty for a unix socket.
func hostOf(address string) (string, error) {
	if path := strings.TrimPrefix(address, "unix:"); path != address {
		if path == "" {
			return "", errors.New("tributary: address \"unix:\": expected a path after unix:")
		}
		return "", nil
	}
	name := strings.TrimPrefix(strings.TrimPrefix(address, "passthrough:///"), "dns:///")
	host, port, err := net.SplitHostPort(name)
	if err != nil || host == "" || port == "" {
		return "", fmt.Errorf("tributary: address %q: expected host:port or unix:PATH", address)
	}
	return host, nil
}

func isLocal(host string) bool {
	if host == "" || host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
