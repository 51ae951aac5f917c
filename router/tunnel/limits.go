package tunnel

import "time"

const (
	// fragmentAge is how long an endpoint waits for the rest of a message. Peers wait 8 s; messages are
	// seldom valid for longer.
	fragmentAge = 8 * time.Second

	// maxPartials and maxPartialBytes bound what an endpoint keeps of unfinished messages. At 2 % loss of tunnel
	// messages and 1 MB/s some 100 are pending at any time. If it is too much the oldest goes, so a
	// flood of first fragments only hurts the tunnel that it comes through.
	maxPartials     = 256
	maxPartialBytes = 1 << 20

	// leastBytes is what an endpoint may keep when the budget that it shares with others is spent: three messages of the
	// usual size, whatever all others do.
	leastBytes = 8 << 10
	// partialCost and aheadCost are the memory of a record beside its bytes: fragments of one byte are not free.
	partialCost = 256
	aheadCost   = 48

	// maxSpare bounds the records of finished messages that an endpoint keeps for reuse, and maxSpareAhead the
	// fragments that there is room for in each.
	maxSpare      = 8
	maxSpareAhead = 8

	// minSplit is the smallest first fragment in bytes for which a message is split to fill a tunnel message. Even
	// so the largest message, i2np.MaxPayload, fits in the 64 fragments that a 6-bit number can tell apart.
	minSplit = 64

	// The duplicate filter starts with firstLayer entries of 4 bytes and adds layers of layerGrowth times the
	// size up to largestLayer as traffic demands, and keeps maxLayers of them: 32 MiB after 8 GiB of
	// traffic through one tunnel, 1 KiB for one that hardly lives.
	firstLayer   = 256
	layerGrowth  = 4
	largestLayer = 1 << 20
	maxLayers    = 8
)
