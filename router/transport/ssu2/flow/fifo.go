package flow

// A fifo is a ring that grows.
type fifo[T any] struct {
	items []T // length is 0 or a power of two
	head  int
	n     int
}

func (q *fifo[T]) push(v T) {
	if q.n == len(q.items) {
		grown := make([]T, max(16, 2*q.n))
		for i := range q.n {
			grown[i] = q.items[(q.head+i)&(len(q.items)-1)]
		}
		q.items, q.head = grown, 0
	}
	q.items[(q.head+q.n)&(len(q.items)-1)] = v
	q.n++
}

// front is the oldest item; there is one.
func (q *fifo[T]) front() T { return q.items[q.head] }

func (q *fifo[T]) pop() {
	q.head = (q.head + 1) & (len(q.items) - 1)
	q.n--
}
