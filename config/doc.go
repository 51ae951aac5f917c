// Package config reads the configuration of clove (layer 10). It is the one user of koanf and knows no other package
// but the types of some values: cmd/ turns a Config into the Config structs of the packages.
//
//	defaults < file (TOML) < environment (CLOVE_ROUTER__NTCP2__LISTEN) < flags
//
// Decoding is strict: a key that does not exist, or a value of the wrong type, is an error that names the key, where
// it stands and the nearest key that exists. All errors are reported, not just the first. Lists replace each other,
// they do not merge.
//
// Read first: Config, then Load.
package config
