// Package addressbook keeps the names of the user in a file, hosts.txt (layer 4).
//
// The file is the user's: it is read, and read again when it changes. Add appends a line, when the user wants a name saved,
// and touches nothing else in it. One line is one name:
//
//	# comment
//	example.i2p=<destination in Base64>
//	other.i2p=<destination in Base64>#!added=1700000000#source=somewhere
//
// A line that cannot be used is reported with its number and skipped; the others hold. Of a name that occurs twice the
// first line holds. Properties after #! are ignored.
//
// Run is the only goroutine. Specification: Naming and Address Book; Subscription (the form of a line).
package addressbook
