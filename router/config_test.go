package router_test

import (
	"testing"

	"clove.i2p/router"
)

func TestExploratoryTunnelsHaveHopsOnThePublicNetwork(t *testing.T) {
	cfg := router.Config{Exploratory: router.Tunnels{Length: -1}}
	if cfg.Validate() == nil {
		t.Error("accepted on the public network")
	}
	cfg.NetworkID = 77
	if err := cfg.Validate(); err != nil {
		t.Errorf("private network: %v", err)
	}
}
