package visitors

// maxPeers bounds each table: about 2 MiB. Destinations cost their owner nothing, so who wants to be forgotten can flood the
// table with others; the limits for all together are what holds then.
const maxPeers = 8192
