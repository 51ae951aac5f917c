package keys

// hidden holds a secret where no printer that works by reflection can see it, whatever struct it sits in and
// whatever the verb: all that such a printer finds is a function.
type hidden[T any] struct{ get func() T }

func hide[T any](v T) *hidden[T] { return &hidden[T]{func() T { return v }} }
