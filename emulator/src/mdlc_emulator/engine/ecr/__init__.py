"""ECR: repositories as records, so that stacks can name them; there is no registry behind them."""
