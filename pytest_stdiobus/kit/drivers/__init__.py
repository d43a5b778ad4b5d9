"""How the kit takes both ends of each kind of target."""
