package build_test

import (
	"testing"

	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel/build"
)

func BenchmarkOpenShort(b *testing.B) {
	r := newRouter(b)
	p, err := build.New(newPlan(outbound, []router{r}, i2p.Hash{}), now)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := open(false, p.Message(), r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewShort(b *testing.B) {
	plan := newPlan(outbound, newRouters(b, 3), i2p.Hash{})
	for b.Loop() {
		if _, err := build.New(plan, now); err != nil {
			b.Fatal(err)
		}
	}
}
