package netdb

// Stats of a DB since its start.
type Stats struct {
	Routers, Floodfills, LeaseSets int
}
