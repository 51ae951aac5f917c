package gate

import (
	"context"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// newServer makes the gRPC server of one process, with its limits.
func (i *Instance) newServer() *grpc.Server {
	s := grpc.NewServer(
		grpc.ForceServerCodecV2(codec{}), grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxAnswer), grpc.MaxConcurrentStreams(maxCalls),
		grpc.StaticStreamWindowSize(streamWindow), grpc.StaticConnWindowSize(connWindow),
		grpc.ReadBufferSize(controlBuffer), grpc.WriteBufferSize(controlBuffer),
		grpc.MaxHeaderListSize(maxHeaders), grpc.ConnectionTimeout(controlTime), grpc.WaitForHandlers(true),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: keepaliveTime, Timeout: keepaliveReply}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingInterval, PermitWithoutStream: true}),
		grpc.InTapHandle(i.tap),
		grpc.UnaryInterceptor(i.unary), grpc.StreamInterceptor(i.stream),
	)
	pb.RegisterHostServer(s, &service{instance: i})
	return s
}

// tap counts the calls that run and refuses those beyond, before anything of them is read.
func (i *Instance) tap(ctx context.Context, _ *tap.Info) (context.Context, error) {
	select {
	case i.calls <- struct{}{}:
		context.AfterFunc(ctx, func() { <-i.calls })
		return ctx, nil
	default:
		return nil, status.Errorf(codes.ResourceExhausted, "%d calls of plugin %s run already: that is the most", maxCalls, i.plugin)
	}
}

func (i *Instance) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (answer any, err error) {
	defer i.recovered(&err)
	if large := i.large(req); large != nil {
		select {
		case large <- struct{}{}:
			defer func() { <-large }()
		case <-ctx.Done():
			return nil, api.ToStatus(ctx.Err())
		}
	}
	if err := takes(ctx); err != nil {
		return nil, api.ToStatus(err)
	}
	if answer, err = handler(ctx, req); err != nil {
		return nil, api.ToStatus(err)
	}
	answered(ctx, answer)
	return answer, nil
}

func (i *Instance) stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer i.recovered(&err)
	return api.ToStatus(handler(srv, countingStream{stream}))
}

// recovered keeps a mistake of ours in one call from ending the router.
func (i *Instance) recovered(err *error) {
	if p := recover(); p != nil {
		i.gate.log.Error("host call panicked", "plugin", i.plugin, "panic", p, "stack", string(debug.Stack()))
		*err = status.Error(codes.Internal, "the host has a bug: see clove's log")
	}
}
