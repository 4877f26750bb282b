"""Model servers while they serve: started, asked, watched; and the calls of `sagemaker-runtime`."""
