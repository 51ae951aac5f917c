package host

import "time"

const (
	// DefaultDrain is how long open connections go on when a tunnel is stopped or its plugin replaced.
	DefaultDrain = 30 * time.Second
	// restartDrain is shorter, because a tunnel that is stopped and started again takes no connections meanwhile.
	restartDrain = 5 * time.Second

	// startTimeout is for a process until its handshake: 10 ms on an idle machine.
	startTimeout = 10 * time.Second
	// Each call to a plugin has a deadline: a hostile one answers none.
	describeTimeout = 5 * time.Second
	validateTimeout = 5 * time.Second
	tunnelTimeout   = 20 * time.Second // Start: listeners are bound, nothing is waited for on I2P
	reloadTimeout   = 10 * time.Second
	stopTimeout     = 10 * time.Second
	healthTimeout   = 5 * time.Second
	metricsTimeout  = 3 * time.Second
	shutdownTimeout = 2 * time.Second // after which the process is killed
	drainGrace      = 5 * time.Second // beside the deadline that Drain itself is given
	addressTimeout  = 15 * time.Second

	// The largest answers, in bytes. gRPC refuses a longer one when it has read its length.
	describeSize = 1 << 20
	smallSize    = 64 << 10
	metricsSize  = 256 << 10
	stdioSize    = 64 << 10
	headerSize   = 16 << 10

	// DefaultHealthEvery is between two health checks.
	DefaultHealthEvery = 15 * time.Second
	healthFailures     = 3 // in a row, then the process is started anew
	// restAfter a process that no tunnel needs ends: not at once, because often one is added next.
	restAfter = 10 * time.Second

	// Back-off between an end that nobody asked for and the next start, doubled each time.
	firstBackoff = 500 * time.Millisecond
	maxBackoff   = 60 * time.Second
	// crashLimit ends within crashWindow, and the plugin has failed: starting it again and again helps nobody.
	crashLimit  = 5
	crashWindow = 5 * time.Minute

	// What is kept of a plugin's output. A process that writes faster than outputRate bytes a second, after a burst, waits.
	logLines    = 50
	logLine     = 1 << 10
	outputRate  = 64 << 10
	outputBurst = 256 << 10
	// outputGrace is for reading the last words of a process that has ended.
	outputGrace = 2 * time.Second

	// A description beyond these is refused. They are a few times what the largest of clove's own plugins has.
	maxTypes       = 32
	maxSettings    = 64
	maxChoices     = 64
	maxPermissions = 16
	maxName        = 48
	maxText        = 512
	maxDefault     = 4 << 10

	maxProblems    = 20       // shown of a tunnel's settings
	maxValue       = 4 << 10  // bytes of one text in settings
	maxKey         = 1 << 10  // bytes of a key in a table: a destination in base 64 has 516 and more
	maxValues      = 256      // in a list or table
	maxSettingsLen = 64 << 10 // bytes of all settings, as JSON
	maxMetrics     = 64
	maxErrorText   = 500 // bytes that a plugin can put into an error

	// inUseTries and inUsePause are for a port that a tunnel has just left.
	inUseTries = 3
	inUsePause = 200 * time.Millisecond

	// starting is how many tunnels of one plugin are started at a time.
	starting = 8
	// maxRetiring old processes of one plugin that drain after upgrades.
	maxRetiring = 2
)
