"""A site whose operations do what a browser test tells them, step by step."""
