package gate

// DefaultMaxConnections of a tunnel, accepted ones and dialled ones each. A proxy's browser opens up to 100, and each one costs
// two descriptors and 32 KiB.
const DefaultMaxConnections = 256
