"""IAM: LocalStack's provider, with simulations that evaluate the policies."""
