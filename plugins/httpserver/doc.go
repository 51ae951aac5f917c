// Command clove-plugin-httpserver is the plugin behind eepsites (a plugin, beside the sdk): the tunnel type http-server puts a
// local web server into I2P, http-folder a folder.
//
//	stream -> httpguard (limits of the head) -> site (who, how often, what is refused) -> answer (hygiene, compression)
//	       -> backend: httputil.ReverseProxy to the local server, from an address of the visitor's own
//	       -> folder: files of the host's OpenFile
//
// A visitor learns nothing about this machine; the local server learns the visitor's destination, which nobody can forge.
// Read site.go first, then backend.go or folder.go.
//
// Goroutines: those of http.Server and http.Transport, and two per connection of a port that is passed on as it is.
package main
