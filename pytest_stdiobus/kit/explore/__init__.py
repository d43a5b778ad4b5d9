"""Cases that nobody wrote: made at random, played like any other, and made small where one fails."""
