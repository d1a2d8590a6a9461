package tributary

import (
	"context"

	"google.golang.org/protobuf/proto"
	pb "tributary.dev/client/go/tributarypb"
)

// Pages is an iterator over the pages of a list. It is not safe for concurrent
// use.
//
//	pages := client.Pages(ctx, request)
//	for pages.Next() {
//		page := pages.Page()
//		...
//	}
//	return pages.Err()
type Pages struct {
	client  *Client
	ctx     context.Context
	options []CallOption
	request *pb.RetrieveRequest
	page    *pb.RetrieveResponse
	last    bool
	err     error
}

// Pages asks for the request's list page by page, from its page_token on, with
// its page_size. Pages never repeat or skip an item, also when the server swaps
// to another version in between; the error ABORTED says that the list cannot be
// continued.
func (c *Client) Pages(
	ctx context.Context, request *pb.RetrieveRequest, options ...CallOption,
) *Pages {
	return &Pages{
		client: c, ctx: ctx, options: options,
		request: proto.Clone(request).(*pb.RetrieveRequest),
	}
}

// Next asks for the next page. False after the last one, and after an error.
func (p *Pages) Next() bool {
	if p.last || p.err != nil {
		return false
	}
	if p.request.GetPageSize() == 0 {
		p.err = invalid("page_size: 0, expected 1 to k")
		return false
	}
	p.page, p.err = p.client.Retrieve(p.ctx, p.request, p.options...)
	if p.err != nil {
		return false
	}
	p.request.PageToken = p.page.GetNextPageToken()
	p.last = p.request.PageToken == ""
	return true
}

// Page is the current one.
func (p *Pages) Page() *pb.RetrieveResponse { return p.page }

// Err is what ended the pages, an *Error; nil after the last one.
func (p *Pages) Err() error { return p.err }
