package tributary

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	pb "tributary.dev/client/go/tributarypb"
)

// RequestsPerCall is how many requests Stream sends at a time: the default of
// the server's limits.max_stream.
const RequestsPerCall = 1000

// Stream is an iterator over the results of any number of requests, in their
// order. It is not safe for concurrent use.
//
//	stream := client.Stream(ctx, requests)
//	defer stream.Close()
//	for stream.Next() {
//		result := stream.Result()
//		...
//	}
//	return stream.Err()
type Stream struct {
	client   *Client
	ctx      context.Context
	options  []CallOption
	requests []*pb.RetrieveRequest

	// Of the call in progress; nil before the first and after each.
	parts  pb.Retrieval_StreamRetrieveClient
	cancel context.CancelFunc
	// How many of the requests are sent, and answered.
	sent, answered int
	entries        []*pb.BatchEntry
	version        uint64
	result         Result
	err            error
}

// Stream asks for many users: a thousand requests at a time, whose results come
// in parts, as soon as they are ready. One version answers all of them, unless
// the requests name a label: then it is one for each thousand.
//
// A call is retried only until its first part has come. An error ends the
// stream; the results before it are good, so that a caller can go on behind
// them.
func (c *Client) Stream(
	ctx context.Context, requests []*pb.RetrieveRequest, options ...CallOption,
) *Stream {
	return &Stream{client: c, ctx: ctx, options: options, requests: requests}
}

// Next goes to the next result. False at the end, and after an error.
func (s *Stream) Next() bool {
	for s.err == nil && len(s.entries) == 0 {
		if s.parts == nil {
			if s.sent == len(s.requests) {
				return false
			}
			s.err = s.call()
			continue
		}
		part, err := s.parts.Recv()
		if errors.Is(err, io.EOF) {
			s.Close()
			if s.answered != s.sent {
				s.err = asError(status.Errorf(codes.DataLoss,
					"the stream ended after %d results of %d", s.answered, s.sent))
			}
			continue
		}
		if err != nil {
			s.Close()
			s.err = asError(err)
			continue
		}
		s.entries, s.version = part.GetEntries(), part.GetBundleVersion()
		if s.answered+len(s.entries) > s.sent {
			s.Close()
			s.err = asError(status.Errorf(codes.DataLoss,
				"the stream has more than %d results", s.sent))
		}
	}
	if s.err != nil {
		return false
	}
	s.result, s.entries = resultOf(s.entries[0]), s.entries[1:]
	s.answered++
	return true
}

// Result is the current one.
func (s *Stream) Result() Result { return s.result }

// Index is the position of the current result's request, from 0.
func (s *Stream) Index() int { return s.answered - 1 }

// Version is that of the bundle that answered.
func (s *Stream) Version() uint64 { return s.version }

// Err is what ended the stream, an *Error; nil at a good end.
func (s *Stream) Err() error { return s.err }

// Close ends the call in progress. It need not be called when Next has returned
// false.
func (s *Stream) Close() {
	if s.cancel != nil {
		s.cancel()
	}
	s.parts, s.cancel = nil, nil
}

// call asks for the next requests.
func (s *Stream) call() error {
	next := s.requests[s.sent:]
	if len(next) > RequestsPerCall {
		next = next[:RequestsPerCall]
	}
	ctx, cancel, err := s.client.begin(s.ctx, 1+len(next)/RequestsPerCall, s.options)
	if err != nil {
		return err
	}
	parts, err := s.client.retrieval.StreamRetrieve(ctx,
		&pb.BatchRetrieveRequest{Requests: ofVersion(s.version, next)})
	if err != nil {
		cancel()
		return asError(err)
	}
	s.parts, s.cancel = parts, cancel
	s.sent += len(next)
	return nil
}

// ofVersion makes requests that name neither a version nor a label name the
// version, if it is not 0.
func ofVersion(version uint64, requests []*pb.RetrieveRequest) []*pb.RetrieveRequest {
	if version == 0 {
		return requests
	}
	pinned := make([]*pb.RetrieveRequest, len(requests))
	for i, request := range requests {
		pinned[i] = request
		if request.GetBundleVersion() == 0 && request.GetBundleLabel() == "" {
			pinned[i] = proto.Clone(request).(*pb.RetrieveRequest)
			pinned[i].BundleVersion = version
		}
	}
	return pinned
}
