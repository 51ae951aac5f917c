package build

import "errors"

var (
	// ErrNotOurs means that no record of a message is for this router, or that the one that looks so does not open.
	ErrNotOurs = errors.New("build: no record for this router")
	// ErrInvalid means that a request breaks a rule of the specification. It gets no answer.
	ErrInvalid = errors.New("build: invalid request")
	// ErrTampered means that a reply was changed on its way, or is not for this request. It says nothing about any
	// one hop, so nobody is to be blamed.
	ErrTampered = errors.New("build: reply altered")
)
