package tributary

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// FieldViolation says what is wrong with one field of a request.
type FieldViolation struct {
	// Field is the path of the field, e.g. quotas["content"].max.
	Field string
	// Description says what is wrong with it.
	Description string
}

// Error is what a call that fails returns.
//
//	var failed *tributary.Error
//	if errors.As(err, &failed) && failed.Code == codes.InvalidArgument {
//		for _, violation := range failed.FieldViolations {
//			...
//		}
//	}
//
// errors.Is(err, context.DeadlineExceeded) and context.Canceled are true for
// the codes of these names.
type Error struct {
	// Code is gRPC's code. The comments of each RPC list those it may have.
	Code codes.Code
	// Message says what is wrong, for people. It begins with the path of the
	// field, if one is wrong.
	Message string
	// FieldViolations are the fields of the request that are wrong.
	FieldViolations []FieldViolation
	// RetryDelay is how long to wait before the next try; 0 where the server
	// has not said. The client has retried already where its policy says so.
	RetryDelay time.Duration
	// Reason is the reason of google.rpc.ErrorInfo, e.g. INVALID_ARGUMENT.
	// Empty where the error is not the server's own.
	Reason string

	status *status.Status
}

// Error returns the code and the message.
func (e *Error) Error() string { return fmt.Sprintf("tributary: %v: %s", e.Code, e.Message) }

// GRPCStatus returns gRPC's status with all its details, so that status.Code
// and status.FromError of gRPC take this error too.
func (e *Error) GRPCStatus() *status.Status { return e.status }

// Is makes errors.Is find the context's errors.
func (e *Error) Is(target error) bool {
	return target == context.DeadlineExceeded && e.Code == codes.DeadlineExceeded ||
		target == context.Canceled && e.Code == codes.Canceled
}

// asError makes an *Error of what gRPC returns; nil of nil.
func asError(err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	st := status.Convert(err)
	failed := &Error{Code: st.Code(), Message: st.Message(), status: st}
	for _, detail := range st.Details() {
		switch detail := detail.(type) {
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				failed.FieldViolations = append(failed.FieldViolations,
					FieldViolation{violation.GetField(), violation.GetDescription()})
			}
		case *errdetails.RetryInfo:
			failed.RetryDelay = detail.GetRetryDelay().AsDuration()
		case *errdetails.ErrorInfo:
			failed.Reason = detail.GetReason()
		}
	}
	return failed
}

// invalid is the error for what the client itself refuses to send.
func invalid(format string, values ...any) error {
	return asError(status.Errorf(codes.InvalidArgument, format, values...))
}
