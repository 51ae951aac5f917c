// Package appliance puts a router, its proxies and its control API together: what clove run, serve and demo start.
package appliance
