"""Image recipes: what runs here when an image URI is named, declared as data."""
