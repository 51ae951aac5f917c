package api

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// What calls of the contract fail with. FromStatus and ToStatus carry them over gRPC.
var (
	// ErrUnknownHost: the name is in no address book; there is no such file.
	ErrUnknownHost = errors.New("unknown host")
	// ErrOffline: the destination is known, but has no LeaseSet.
	ErrOffline = errors.New("offline: no LeaseSet")
	// ErrNoAnswer: the destination did not answer.
	ErrNoAnswer = errors.New("no answer")
	// ErrRefused: it, or the local server, refused the connection.
	ErrRefused = errors.New("connection refused")
	// ErrNotReady: there are no tunnels yet.
	ErrNotReady = errors.New("not ready")
	// ErrPermission: not granted to the plugin.
	ErrPermission = errors.New("permission denied")
	// ErrInUse: the port is in use.
	ErrInUse = errors.New("in use")
	// ErrLimit: a limit of the host.
	ErrLimit = errors.New("limit reached")
	// ErrInvalid: the request makes no sense.
	ErrInvalid = errors.New("invalid request")
)

var statusCodes = []struct {
	err  error
	code codes.Code
}{
	{ErrUnknownHost, codes.NotFound},
	{ErrOffline, codes.FailedPrecondition},
	{ErrNoAnswer, codes.DeadlineExceeded},
	{ErrRefused, codes.Aborted},
	{ErrNotReady, codes.Unavailable},
	{ErrPermission, codes.PermissionDenied},
	{ErrInUse, codes.AlreadyExists},
	{ErrLimit, codes.ResourceExhausted},
	{ErrInvalid, codes.InvalidArgument},
	{context.Canceled, codes.Canceled},
	{context.DeadlineExceeded, codes.DeadlineExceeded},
}

// ToStatus turns an error into what gRPC carries: the code of the first of this package's errors in it, and its text.
func ToStatus(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	for _, c := range statusCodes {
		if errors.Is(err, c.err) {
			return status.Error(c.code, err.Error())
		}
	}
	return status.Error(codes.Internal, err.Error())
}

// FromStatus turns what gRPC returned into an error that wraps one of this package's where the code has a meaning.
func FromStatus(err error) error {
	if err == nil {
		return nil
	}
	s, ok := status.FromError(err)
	if !ok {
		return err
	}
	for _, c := range statusCodes {
		if s.Code() == c.code {
			return &statusError{text: s.Message(), is: c.err}
		}
	}
	return errors.New(s.Message())
}

type statusError struct {
	text string
	is   error
}

func (e *statusError) Error() string { return e.text }
func (e *statusError) Unwrap() error { return e.is }

// errOther is what Kind says of an error that is none of this package's.
var errOther = errors.New("failed")

// Kind is which of this package's errors err is: for logs, since the text of err may name a host.
func Kind(err error) error {
	for _, c := range statusCodes {
		if errors.Is(err, c.err) {
			return c.err
		}
	}
	return errOther
}
