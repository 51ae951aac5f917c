package ssu2

const (
	// minMTU and maxMTU bound IP packets ("MTU").
	minMTU = 1280
	maxMTU = 1500
)
