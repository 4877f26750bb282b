"""What lies between S3 and the directories of a job: input channels, artefacts, checkpoints."""
