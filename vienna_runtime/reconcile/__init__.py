"""What the world says happened, against what the ledger says was allowed: effects without a warrant, warrants without an effect."""
