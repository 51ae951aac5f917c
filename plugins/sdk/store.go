package sdk

import (
	"context"

	"clove.i2p/plugins/api/pb"
)

// Get reads from the tunnel's small store: keys of up to 256 bytes, values of up to 64 KiB, 1 MiB in all. It survives
// restarts and upgrades of the plugin.
func (t *Tunnel) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	if err := sendable(key); err != nil {
		return nil, false, err
	}
	r, err := t.program.host.Get(ctx, &pb.GetRequest{Tunnel: t.name, Key: key})
	if err != nil {
		return nil, false, hostError(ctx, err)
	}
	return r.Value, r.Found, nil
}

// Put stores a value. api.ErrLimit: it does not fit.
func (t *Tunnel) Put(ctx context.Context, key string, value []byte) error {
	if err := sendable(key); err != nil {
		return err
	}
	if _, err := t.program.host.Put(ctx, &pb.PutRequest{Tunnel: t.name, Key: key, Value: value}); err != nil {
		return hostError(ctx, err)
	}
	return nil
}

// Delete removes a value, if there is one.
func (t *Tunnel) Delete(ctx context.Context, key string) error {
	if err := sendable(key); err != nil {
		return err
	}
	if _, err := t.program.host.Delete(ctx, &pb.DeleteRequest{Tunnel: t.name, Key: key}); err != nil {
		return hostError(ctx, err)
	}
	return nil
}

// Keys lists the keys that begin with prefix.
func (t *Tunnel) Keys(ctx context.Context, prefix string) ([]string, error) {
	r, err := t.program.host.Keys(ctx, &pb.KeysRequest{Tunnel: t.name, Prefix: prefix})
	if err != nil {
		return nil, hostError(ctx, err)
	}
	return r.Keys, nil
}
