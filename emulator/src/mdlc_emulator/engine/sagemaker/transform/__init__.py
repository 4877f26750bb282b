"""Transform jobs: files from S3 through a model server and back."""
