package build

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/layer"
	"clove.i2p/router/crypto/noise"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
)

// A Request asks this router to be a hop.
type Request struct {
	ReceiveTunnel i2p.TunnelID
	NextTunnel    i2p.TunnelID
	// Next is the next hop. For an OutboundEndpoint it is the gateway of the reply tunnel, NextTunnel, and may be
	// this router.
	Next         i2p.Hash
	Role         Role
	Time         time.Time // whole minutes, router time
	Expiration   time.Duration
	ReplyMessage i2np.MessageID // of the message that is sent on
	Bandwidth    Bandwidth
	Ephemeral    keys.X25519Public // for a Replay filter

	form  *form
	slot  int
	slots int
	keys  hopKeys
}

// OpenShort finds the record for this router in the payload of a ShortTunnelBuild and opens it. The payload is lent and not
// changed. A router may be twice on a path: the first record that opens counts, and its reply leaves the other
// for the second time. Errors: those of i2np for a malformed payload, ErrNotOurs, ErrInvalid.
func OpenShort(payload []byte, own i2p.Hash, private keys.X25519Private) (*Request, error) {
	m, err := i2np.ParseShortTunnelBuild(payload)
	if err != nil {
		return nil, err
	}
	return open(shortForm, m.Records, own, private)
}

// OpenLong is OpenShort for a VariableTunnelBuild.
func OpenLong(payload []byte, own i2p.Hash, private keys.X25519Private) (*Request, error) {
	m, err := i2np.ParseVariableTunnelBuild(payload)
	if err != nil {
		return nil, err
	}
	return open(longForm, m.Records, own, private)
}

func open(f *form, records []byte, own i2p.Hash, private keys.X25519Private) (*Request, error) {
	slots := len(records) / f.record
	tries := 0
	for i := range slots {
		rec := f.at(records, i)
		if !bytes.Equal(rec[:prefixLen], own[:prefixLen]) {
			continue
		}
		if tries++; tries > maxTries {
			break
		}
		if r, ok := openRecord(f, rec, private); ok {
			if err := r.check(own); err != nil {
				return nil, err
			}
			r.slot, r.slots = i, slots
			return r, nil
		}
	}
	return nil, ErrNotOurs
}

func openRecord(f *form, rec []byte, private keys.X25519Private) (*Request, bool) {
	r := &Request{form: f, Ephemeral: keys.X25519Public(rec[prefixLen:sealedAt])}
	shared, err := private.DH(r.Ephemeral)
	if err != nil {
		return nil, false
	}
	static := private.Public()
	s := initial(static[:])
	s.MixHash(r.Ephemeral[:])
	s.MixKey(shared[:])
	var room [464]byte // the longer of the two forms
	clear, err := s.DecryptAndHash(room[:0], rec[sealedAt:])
	if err != nil {
		return nil, false
	}
	q := parseRequest(f, clear)
	r.ReceiveTunnel, r.NextTunnel, r.Next = q.receiveTunnel, q.nextTunnel, q.next
	r.Time, r.Expiration, r.ReplyMessage, r.Bandwidth = q.time, q.expiration, q.message, q.bandwidth
	switch q.flags & (flagGateway | flagEndpoint) {
	case flagGateway:
		r.Role = InboundGateway
	case flagEndpoint:
		r.Role = OutboundEndpoint
	case flagGateway | flagEndpoint:
		r.Role = invalidRole
	}
	if q.layerEncryption != 0 {
		r.Role = invalidRole
	}
	r.keys = f.derive(&s, clear, r.Role == OutboundEndpoint)
	return r, true
}

const invalidRole Role = 0xff

func (r *Request) check(own i2p.Hash) error {
	switch {
	case r.Role == invalidRole:
		return fmt.Errorf("%w: flags or layer encryption", ErrInvalid)
	case r.ReceiveTunnel == 0 || r.NextTunnel == 0:
		return fmt.Errorf("%w: tunnel id 0", ErrInvalid)
	case r.Next == own && r.Role != OutboundEndpoint:
		return fmt.Errorf("%w: leads back to this router", ErrInvalid)
	}
	return nil
}

// Timely reports whether the time of the request is near enough to now, router time. A request that is not gets no answer.
func (r *Request) Timely(now time.Time) bool {
	age := now.Sub(r.Time)
	return age <= maxAge && age >= -maxFuture
}

// Long reports whether the request has long records.
func (r *Request) Long() bool { return r.form.long }

// Layer is the cipher of the tunnel.
func (r *Request) Layer() *layer.Cipher { return layer.New(r.keys.layer, r.keys.iv) }

// ReplyType is the I2NP type under which the message is sent on.
func (r *Request) ReplyType() i2np.Type {
	if r.Role == OutboundEndpoint {
		return r.form.replyTo
	}
	return r.form.request
}

// ReplyGarlic is the key and tag with which an OutboundEndpoint wraps the reply, unless the reply tunnel begins at this
// router or the records are long.
func (r *Request) ReplyGarlic() (key [32]byte, tag [8]byte, ok bool) {
	if r.Role != OutboundEndpoint || r.form.long {
		return key, tag, false
	}
	return r.keys.garlic, r.keys.garlicTag, true
}

// Reply writes the verdict into the payload that the request was opened from, in place, and encrypts the other
// records. With Agreed, available is the bandwidth on offer in KB per second; it is sent only if the request asked, and
// 0 is not sent. The only error is a payload of another length.
func (r *Request) Reply(payload []byte, verdict byte, available uint32) error {
	if len(payload) != 1+r.slots*r.form.record {
		return fmt.Errorf("build: reply into %d bytes, %d records", len(payload), r.slots)
	}
	records := payload[1:]
	rec := r.form.at(records, r.slot)
	clear := rec[:r.form.reply]
	rand.Read(clear)
	var options i2p.Mapping
	if verdict == Agreed && available > 0 && (r.Bandwidth.Min > 0 || r.Bandwidth.Requested > 0) {
		options = newMapping(map[string]string{"b": strconv.FormatUint(uint64(available), 10)})
	}
	options.Append(clear[:0])
	clear[len(clear)-1] = verdict
	noise.Seal(rec[:0], &r.keys.reply, r.form.replyNonce(r.slot), clear, r.keys.transcript[:])
	l := newLayering(r.form, &r.keys)
	for i := range r.slots {
		if i != r.slot {
			l.encrypt(records, i)
		}
	}
	return nil
}
