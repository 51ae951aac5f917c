package i2np

import "strconv"

// Type is the type of a message (i2np.md, "Message Types").
type Type uint8

// The types that routers exchange. Others are forwarded unparsed.
const (
	TypeDatabaseStore            Type = 1
	TypeDatabaseLookup           Type = 2
	TypeDatabaseSearchReply      Type = 3
	TypeDeliveryStatus           Type = 10
	TypeGarlic                   Type = 11
	TypeTunnelData               Type = 18
	TypeTunnelGateway            Type = 19
	TypeData                     Type = 20
	TypeVariableTunnelBuild      Type = 23
	TypeVariableTunnelBuildReply Type = 24
	TypeShortTunnelBuild         Type = 25
	TypeOutboundTunnelBuildReply Type = 26
)

// String is the name of the specification, or "Type(n)".
func (t Type) String() string {
	switch t {
	case TypeDatabaseStore:
		return "DatabaseStore"
	case TypeDatabaseLookup:
		return "DatabaseLookup"
	case TypeDatabaseSearchReply:
		return "DatabaseSearchReply"
	case TypeDeliveryStatus:
		return "DeliveryStatus"
	case TypeGarlic:
		return "Garlic"
	case TypeTunnelData:
		return "TunnelData"
	case TypeTunnelGateway:
		return "TunnelGateway"
	case TypeData:
		return "Data"
	case TypeVariableTunnelBuild:
		return "VariableTunnelBuild"
	case TypeVariableTunnelBuildReply:
		return "VariableTunnelBuildReply"
	case TypeShortTunnelBuild:
		return "ShortTunnelBuild"
	case TypeOutboundTunnelBuildReply:
		return "OutboundTunnelBuildReply"
	}
	return "Type(" + strconv.Itoa(int(t)) + ")"
}
