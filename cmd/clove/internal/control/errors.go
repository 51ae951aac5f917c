package control

import (
	"encoding/json"
	"errors"
	"net/http"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/host"
)

// ErrInvalid: the request makes no sense; ErrUnknown: it names something that is not there; ErrConflict: it would change what
// the configuration file says.
var (
	ErrInvalid  = errors.New("invalid request")
	ErrUnknown  = errors.New("not found")
	ErrConflict = errors.New("conflict")
)

// codes are what a program can tell errors apart by. The first that fits counts.
var codes = []struct {
	err    error
	status int
	code   string
}{
	{ErrInvalid, http.StatusBadRequest, "bad_request"},
	{ErrUnknown, http.StatusNotFound, "not_found"},
	{ErrConflict, http.StatusConflict, "conflict"},
	{host.ErrUnknownPlugin, http.StatusNotFound, "unknown_plugin"},
	{host.ErrUnknownTunnel, http.StatusNotFound, "unknown_tunnel"},
	{host.ErrUnregistered, http.StatusForbidden, "unregistered"},
	{host.ErrChecksum, http.StatusConflict, "checksum"},
	{host.ErrProtocol, http.StatusUnprocessableEntity, "protocol_version"},
	{host.ErrSettings, http.StatusUnprocessableEntity, "settings"},
	{api.ErrInUse, http.StatusConflict, "in_use"},
	{api.ErrPermission, http.StatusForbidden, "permission"},
	{api.ErrLimit, http.StatusTooManyRequests, "limit"},
	{api.ErrNotReady, http.StatusServiceUnavailable, "not_ready"},
}

// An apiError is the body of every answer that is not a success.
type apiError struct {
	Error string `json:"error"`
	Code  string `json:"code"`
}

// fail answers with an error that has a code, or with the one given.
func fail(w http.ResponseWriter, status int, code string, err error) {
	for _, c := range codes {
		if errors.Is(err, c.err) {
			status, code = c.status, c.code
			break
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(apiError{Error: err.Error(), Code: code})
}

// An Error is what clove answered.
type Error struct {
	Code string // one of the words of this package, or of the request
	Text string
}

func (e *Error) Error() string { return e.Text }
