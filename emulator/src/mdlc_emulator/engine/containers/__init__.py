"""The container contract without Docker: processes of jobs and model servers, each in a place of its own."""
