"""`roadcrew login`, `logout`, `whoami`: who one is at a server from this computer, and where that is kept."""
