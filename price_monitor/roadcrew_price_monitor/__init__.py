"""The reference price-monitor service of Roadcrew: reads feeds of hotels as streams."""
