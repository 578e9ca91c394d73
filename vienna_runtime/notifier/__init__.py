"""The process that carries alerts out of the house: to webhooks and to commands, with what that takes kept from the node."""
