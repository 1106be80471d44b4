"""Talk: what people say and give of trips, places, posts and blogs, over the hub and the store."""
