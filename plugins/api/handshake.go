package api

import "github.com/hashicorp/go-plugin"

// ProtocolVersion of the contract. It changes when an old plugin could not work; fields and calls are added without.
const ProtocolVersion = 1

// Names in a plugin's environment.
const (
	CookieEnv = "CLOVE_PLUGIN_COOKIE"
	HostEnv   = "CLOVE_PLUGIN_HOST" // path of the unix socket of the Host service
	DataEnv   = "CLOVE_PLUGIN_DATA" // path of the unix socket for bytes
)

// Cookie tells a plugin that clove started it, and not a person. It is no secret.
const Cookie = "c10fe5a7-6d1e-4b0c-9d6c-7f3f3a1f0b52"

// Name of the one plugin in go-plugin's set.
const Name = "clove"

// Handshake is what go-plugin wants to know.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{ProtocolVersion: ProtocolVersion, MagicCookieKey: CookieEnv, MagicCookieValue: Cookie}
}
