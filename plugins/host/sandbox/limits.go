package sandbox

import "time"

const (
	// DefaultMemory is what the data of a plugin may take, in bytes. A Go plugin with 256 connections needs 60 MiB, Python with gRPC 90.
	DefaultMemory = 256 << 20
	// memorySlack is added for RLIMIT_DATA, which counts address space that is writable, used or not: Go takes 64 MiB at a time,
	// and each thread of a C library 8 MiB for its stack.
	memorySlack = 256 << 20
	// NoMemoryLimit for Spec.Memory: for programs that were built with the race detector, which reserves terabytes.
	NoMemoryLimit = -1

	// DefaultFiles open descriptors: two for each of the 256 connections of two tunnels, and some.
	DefaultFiles = 1280

	// processes and threads in one sandbox. A Go program has one for each blocked system call; a fork bomb ends here.
	maxProcesses = 256

	// maxBinary is the largest plugin file. It is held in memory while it runs: against a file that never ends.
	maxBinary = 256 << 20

	// Sizes of the child's own file systems, in bytes, because they take memory that no other limit counts.
	tmpSize     = 16 << 20
	tmpInodes   = 2048
	socketSize  = 64 << 10
	socketInode = 64
	rootSlack   = 1 << 20 // root folders and mount points, besides the binary

	// maxOrder is the largest message between Start and the shim: arguments and environment.
	maxOrder = 64 << 10

	// startTime bounds building the sandbox when the caller's context does not: milliseconds on an idle machine.
	startTime = 10 * time.Second

	// probeTries are how often a confinement is tried that does not answer in time, before a lesser one is.
	probeTries = 3

	// pipeGrace is how long output is read after the process has ended. Where there is no process namespace a child of the child
	// can hold the pipes for ever.
	pipeGrace = time.Second

	// maxSocketPath is sun_path without its end: the kernel's limit for the path of a unix socket.
	maxSocketPath = 107
	// socketRoom is what the gate and go-plugin add to RuntimeFolder: /pNNNNNNNNNN/s/pluginNNNNNNNNNN.
	socketRoom = 32

	// innerUser is the child's user and group inside. It is nobody's outside: see outerUser.
	innerUser = 1000
	// outerUser is who the child is outside where clove runs as root, so that no file of root is the child's own. The number is in
	// the range that no distribution and no container manager gives out.
	outerUser = 2147400000
)
