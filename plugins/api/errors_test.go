package api_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"clove.i2p/plugins/api"
)

func TestErrorsKeepTheirMeaningOverGRPC(t *testing.T) {
	for err, code := range map[error]codes.Code{
		api.ErrUnknownHost: codes.NotFound, api.ErrOffline: codes.FailedPrecondition, api.ErrNoAnswer: codes.DeadlineExceeded,
		api.ErrRefused: codes.Aborted, api.ErrNotReady: codes.Unavailable, api.ErrPermission: codes.PermissionDenied,
		api.ErrInUse: codes.AlreadyExists, api.ErrLimit: codes.ResourceExhausted, api.ErrInvalid: codes.InvalidArgument,
		context.Canceled: codes.Canceled,
	} {
		sent := api.ToStatus(fmt.Errorf("dial it: %w", err))
		if got := status.Code(sent); got != code {
			t.Errorf("%v: code %v, want %v", err, got, code)
		}
		got := api.FromStatus(sent)
		if !errors.Is(got, err) || got.Error() != "dial it: "+err.Error() {
			t.Errorf("%v came back as %v", err, got)
		}
	}
}

func TestOtherErrorsKeepTheirText(t *testing.T) {
	got := api.FromStatus(api.ToStatus(errors.New("disk on fire")))
	if got == nil || got.Error() != "disk on fire" || errors.Is(got, api.ErrInvalid) {
		t.Fatalf("got %v", got)
	}
	if api.ToStatus(nil) != nil || api.FromStatus(nil) != nil {
		t.Fatal("no error became one")
	}
	made := status.Error(codes.NotFound, "nobody")
	if api.ToStatus(made) != made {
		t.Fatal("a status was wrapped in another")
	}
	if err := errors.New("not of gRPC"); api.FromStatus(err) != err {
		t.Fatal("an error that is no status was changed")
	}
}
