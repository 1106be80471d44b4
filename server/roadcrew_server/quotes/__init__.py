"""Quote runs: which providers are asked, and the work of asking them. The rules are the domain's."""
