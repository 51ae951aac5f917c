package reachability

import "time"

// A schedule is when a family is to be tested.
type schedule struct {
	next    time.Time
	nothing int // tests in a row that said nothing
	open    int // tests in a row after which there was no verdict, or another one
	noBob   int // tests in a row that could not start
}

func (c *schedule) soon(now time.Time) {
	if t := now.Add(soonTest); t.Before(c.next) {
		c.next = t
	}
}

// ended follows a test with an outcome, in a state that takes it into account.
func (c *schedule) ended(now time.Time, outcome, state State, jitter float64) {
	c.noBob = 0
	if outcome == Unknown {
		c.next = now.Add(spread(again(c.nothing), jitter))
		c.nothing++
		return
	}
	c.nothing = 0
	if state == Unknown || (outcome == OK) != (state == OK) {
		c.next = now.Add(spread(again(c.open), jitter))
		c.open++
		return
	}
	c.open = 0
	switch {
	case state == OK:
		c.next = now.Add(spread(okTest, jitter))
	default:
		c.next = now.Add(spread(blockTest, jitter))
	}
}

// again is when to test once more after n tests that were in vain, and another.
func again(n int) time.Duration {
	if n < patientTests {
		return soonTest
	}
	return backoff(openTest, maxOpen, n-patientTests)
}

// spread is d to twice that, so that routers that started together do not test together.
func spread(d time.Duration, jitter float64) time.Duration {
	return d + time.Duration(jitter*float64(d))
}

func backoff(d, most time.Duration, n int) time.Duration { return min(d<<min(n, 16), most) }

// NextTest is when to run the next peer test of a family; zero for never. After StartTest succeeded TestStarted is to be called, else TestFailed, and at
// the end Tested.
func (k *Keeper) NextTest(now time.Time, f Family) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := &k.family[f]
	if k.cfg.Hidden || !s.enabled {
		return time.Time{}
	}
	return s.schedule.next
}

// TestStarted says that a test is under way.
func (k *Keeper) TestStarted(now time.Time, f Family) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.family[f].schedule.next = now.Add(startGrace)
}

// TestFailed says that no test could be started.
func (k *Keeper) TestFailed(now time.Time, f Family) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := &k.family[f].schedule
	c.next = now.Add(spread(backoff(soonTest, maxNoBob, c.noBob), k.cfg.Jitter()))
	c.noBob++
}
