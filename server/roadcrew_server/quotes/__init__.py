"""Who is asked for prices: providers as plug-ins, and the work of asking them. The run itself is the domain's."""
